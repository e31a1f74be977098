package mongoerr

import "strconv"

//go:generate go run gen.go

// String is the codeName.
func (c Code) String() string {
	if n, ok := names[c]; ok {
		return n
	}
	return "Location" + strconv.Itoa(int(c))
}
