// Package bsonx is how the rest of Pando touches BSON: borrowed views of raw
// bytes, a builder, the order of values, numbers, text, and the limits on documents.
//
// A document stays the bytes that a client sent, from the socket to the disk and
// back. Nothing here decodes into Go values unless its name says so. All views
// assume bytes that [Validate] has accepted: documents are validated once, where
// they enter the process (package wire) or are read from a file, and never again.
//
// There is one order, [Compare]'s; package keyenc makes bytes that sort by it. A
// decimal128 is taken apart by [AsDecimal]; comparing and converting need no more,
// arithmetic goes through apd (see [DecimalContext]). [ShellString] writes values as
// error messages have them, [ToJSON] for everyone else.
package bsonx
