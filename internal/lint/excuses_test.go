package lint

// excuse names what is excused: a file, or a function as "package.Name" or
// "package.Type.Name", with the package's path in this module.
type excuse struct{ what, why string }

// longFunctions may be longer than a screen.
var longFunctions = []excuse{}

// longFiles may be longer than 500 lines, or 800 of tests.
var longFiles = []excuse{}

// clocks may read the clock or throw the dice without package env.
var clocks = []excuse{
	{"internal/env/env.go", "it is the one that does"},
}
