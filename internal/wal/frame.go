package wal

import (
	"encoding/binary"
	"hash/crc32"
)

// A frame is a record in its file:
//
//	0  magic                "PLOG"
//	4  sum of the header    CRC-32C of the header from 8 on, begun at the place
//	8  sum of the data      CRC-32C
//	12 length of the data
//	16 index
//	24 durable              so much of the file was on disk when the frame was made
//	32 data, and zeros up to a multiple of 8
//
// All numbers are little-endian. The first frame of a file is its opening: what it is,
// its number, and a salt; the index is that of the last record before the file. The
// place is the sum of that data (zero for the opening itself) with the offset of the
// frame, low and high half, xored onto it. So no frame is valid elsewhere, and since
// the salt is random, nothing that a client stores looks like one.
const (
	frameMagic  = "PLOG"
	headerBytes = 32
	frameAlign  = 8

	opening      = "pando log     1\n"
	openingBytes = len(opening) + 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what a frame says of its record.
type header struct {
	dataSum uint32
	length  uint32
	index   uint64
	durable uint64
}

// frameBytes is the length of a frame of n bytes of data.
func frameBytes(n int) int64 {
	return headerBytes + int64(n) + int64(padding(n))
}

func padding(n int) int { return -n & (frameAlign - 1) }

// place is where a frame stands.
type place struct {
	file   uint32 // sum of the file's opening; zero for the opening itself.
	offset int64
}

// appendHeader appends the header of a frame at p.
func (p place) appendHeader(b []byte, h header) []byte {
	start := len(b)
	b = append(b, frameMagic...)
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, h.dataSum)
	b = binary.LittleEndian.AppendUint32(b, h.length)
	b = binary.LittleEndian.AppendUint64(b, h.index)
	b = binary.LittleEndian.AppendUint64(b, h.durable)
	binary.LittleEndian.PutUint32(b[start+4:], p.sum(b[start:]))
	return b
}

// parseHeader reads the header at p; ok is false if there is none.
func (p place) parseHeader(b []byte) (h header, ok bool) {
	if len(b) < headerBytes || string(b[:4]) != frameMagic || binary.LittleEndian.Uint32(b[4:]) != p.sum(b) {
		return h, false
	}
	return header{
		dataSum: binary.LittleEndian.Uint32(b[8:]),
		length:  binary.LittleEndian.Uint32(b[12:]),
		index:   binary.LittleEndian.Uint64(b[16:]),
		durable: binary.LittleEndian.Uint64(b[24:]),
	}, true
}

// sum is the sum of a header at p.
func (p place) sum(b []byte) uint32 {
	return crc32.Update(p.file^uint32(p.offset)^uint32(p.offset>>32), castagnoli, b[8:headerBytes])
}

func dataSum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// encodeOpening is the data of a file's first frame.
func encodeOpening(number, salt uint64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte(opening), number)
	return binary.LittleEndian.AppendUint64(b, salt)
}

// decodeOpening returns the number of the file that such data opens.
func decodeOpening(data []byte) (number uint64, ok bool) {
	if len(data) != openingBytes || string(data[:len(opening)]) != opening {
		return 0, false
	}
	return binary.LittleEndian.Uint64(data[len(opening):]), true
}
