// Package keyenc turns BSON values into bytes that sort as the values do, and back.
//
// # What it is for
//
// Keys of documents, entries of indexes, and the keys that sorting and grouping
// compare are made here, so that the layers above and the store below need only
// bytes.Compare. For any values a and b, ascending:
//
//	bytes.Compare(Append(nil, a, false), Append(nil, b, false)) == bsonx.Compare(a, b)
//
// and the other way round when descending. An encoding ends by itself, none is a
// prefix of another, and several one after another sort field by field, whatever
// the direction of each: a compound key is just the encodings in a row.
//
// # How it works
//
// A leading byte tells the bracket of the type (and, of a number, its sign and
// size), the rest the value; descending is every bit turned over. The byte
// pictures are in docs/format/keyenc.md.
//
// Equal values have equal encodings: 1, 1.0, NumberLong(1) and
// NumberDecimal("1.000") are one key. What that loses (the numeric type, a zero's
// sign, a decimal's trailing zeros, symbol or string) [AppendTyped] writes into
// [TypeBits], which the store keeps beside the key, and [Decode] reads from it.
// The commonest values need no bits at all, and bits that are all zero no bytes.
//
// A key that would be too long for the store is cut by [Bound], which puts a hash
// in place of its tail.
//
// # What is the caller's
//
// Which value is the key of a missing field or of an array. In indexes and under
// $sort a missing field counts as null: pass [bsonx.Null]. An array counts element
// by element (ascending by its least, descending by its greatest), an empty one as
// undefined, which is below null. Append takes a missing value for undefined, as
// [bsonx.Compare] does, and an array for the array that it is.
//
// # Where to start
//
// Append in append.go, the numbers in number.go.
package keyenc
