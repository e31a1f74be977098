package bsonx

// LevelsStoredMax is how many documents and arrays within each other a stored
// document may have, itself included.
const LevelsStoredMax = 180

// levelBytes is the least that one level takes: its type, its name's end, its length
// and its end. What is shorter than all levels together needs no look.
const levelBytes = 7

// Deeper tells whether doc has more than n documents and arrays within each other,
// itself included.
func Deeper(doc Doc, n int) bool { return len(doc) > n*levelBytes && Levels(DocValue(doc)) > n }

// Levels counts the documents and arrays within each other, v included.
func Levels(v Value) int {
	if v.Type != TypeDocument && v.Type != TypeArray {
		return 0
	}
	n := 0
	for it := Walk(AsDoc(v)); it.Next(); {
		n = max(n, Levels(it.Value()))
	}
	return n + 1
}
