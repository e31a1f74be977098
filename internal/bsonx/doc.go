// Package bsonx is how the rest of Pando touches BSON: borrowed views of raw
// bytes, a builder, the order of values, and the limits on documents.
//
// A document stays the bytes that a client sent, from the socket to the disk and
// back. Nothing here decodes into Go values unless its name says so. All views
// assume bytes that [Validate] has accepted: documents are validated once, where
// they enter the process (package wire) or are read from a file, and never again.
package bsonx
