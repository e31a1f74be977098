package wire

import "hash/crc32"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksumBytes is the size of the CRC-32C that may end an OP_MSG.
const checksumBytes = 4

// checksum is a CRC-32C in the making: of the whole message, header included,
// up to itself.
type checksum uint32

func (c *checksum) add(b []byte) { *c = checksum(crc32.Update(uint32(*c), castagnoli, b)) }
