// Package failpoint makes a server fail on purpose: the fail points that driver
// tests switch on with configureFailPoint, and how often they fire.
//
// A point that is off costs one atomic load where it stands in the code. The
// matching and the counting follow MongoDB 8.2.0, which was asked about each
// case: a point first asks whether the operation is the one that is meant, and
// only then counts; {times: 0} fires once; a data field of the wrong type is as
// if it were not there.
package failpoint
