package datasets

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pq "github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// maxPageValues bounds the values of a page. Runs make pages of a few bytes
// that hold millions of values; writers end a page at some 10,000 rows or at
// the row group's million.
const maxPageValues = 1 << 26

// A pageChecker proves pages to be what their headers say before the library
// sees them. The library believes the headers: one flipped bit in the codec
// makes it decompress to no end, which is fatal and no panic that could be
// caught. Checking costs a second decompression, about a tenth of reading.
type pageChecker struct {
	file  io.ReaderAt
	size  int64
	zstd  *zstd.Decoder
	page  []byte
	plain []byte
}

var errFooter = errors.New("damaged Parquet file: it does not end in a footer")

// footer checks that the footer fits the file: after it stand its length and
// the magic bytes. A file that was cut does not end so.
func (c *pageChecker) footer() error {
	const tail = 8
	var end [tail]byte
	if _, err := c.file.ReadAt(end[:], c.size-tail); err != nil || !isParquet(end[4:]) {
		return errFooter
	}
	if length := int64(binary.LittleEndian.Uint32(end[:])); length > c.size-tail {
		return errFooter
	}
	return nil
}

// rowGroup checks every page of a row group.
func (c *pageChecker) rowGroup(g *pq.RowGroup) error {
	for i := range g.Columns {
		meta := &g.Columns[i].MetaData
		if err := c.chunk(meta); err != nil {
			return fmt.Errorf("column %q: %w", meta.PathInSchema, err)
		}
	}
	return nil
}

var errPage = errors.New("damaged Parquet file: a page is not what its header says")

// chunk checks the pages of one column chunk: that they lie in the file, hold
// as many values as the chunk should, and take the room they say.
func (c *pageChecker) chunk(meta *pq.ColumnMetaData) error {
	start := meta.DataPageOffset
	if meta.DictionaryPageOffset != 0 {
		start = meta.DictionaryPageOffset
	}
	if start < 0 || meta.TotalCompressedSize < 0 || start > c.size-meta.TotalCompressedSize {
		return errPage
	}
	section := io.NewSectionReader(c.file, start, meta.TotalCompressedSize)
	r := bufio.NewReaderSize(section, 64<<10)
	headers := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(r))
	for values := int64(0); values < meta.NumValues; {
		var h pq.PageHeader
		if err := headers.Decode(&h); err != nil {
			return fmt.Errorf("%w: %w", errPage, err)
		}
		if h.CompressedPageSize < 0 || h.UncompressedPageSize < 0 || int64(h.CompressedPageSize) > meta.TotalCompressedSize {
			return errPage
		}
		c.page = resize(c.page, int(h.CompressedPageSize))
		if _, err := io.ReadFull(r, c.page); err != nil {
			return fmt.Errorf("%w: %w", errPage, err)
		}
		n, err := c.check(&h, meta.Codec)
		if err != nil {
			return err
		}
		values += n
	}
	return nil
}

// check checks one page and returns how many values of the chunk it holds.
func (c *pageChecker) check(h *pq.PageHeader, codec pq.CompressionCodec) (values int64, err error) {
	page, size := c.page, int(h.UncompressedPageSize)
	switch h.Type {
	case pq.DictionaryPage:
		if n := h.DictionaryPageHeader.V.NumValues; n < 0 || int(n) > size && n > 1 {
			return 0, errPage // a value takes a byte at least, but for one bit of a boolean
		}
	case pq.DataPage:
		values = int64(h.DataPageHeader.V.NumValues)
	case pq.DataPageV2:
		v2 := &h.DataPageHeaderV2.V
		values = int64(v2.NumValues)
		// The levels stand before the values, never compressed.
		levels := int64(v2.RepetitionLevelsByteLength) + int64(v2.DefinitionLevelsByteLength)
		if v2.RepetitionLevelsByteLength < 0 || v2.DefinitionLevelsByteLength < 0 || levels > int64(min(len(page), size)) ||
			v2.NumNulls < 0 || v2.NumNulls > v2.NumValues {
			return 0, errPage
		}
		page, size = page[levels:], size-int(levels)
		if v2.IsCompressed.Valid && !v2.IsCompressed.V {
			codec = pq.Uncompressed
		}
	}
	if values < 0 || values > maxPageValues {
		return 0, errPage
	}
	return values, c.decompress(codec, page, size)
}

// decompress decompresses into memory of the size that the header says, in
// pieces, so that a header that lies takes no more than the page really holds.
func (c *pageChecker) decompress(codec pq.CompressionCodec, page []byte, size int) (err error) {
	var r io.Reader
	switch codec {
	case pq.Uncompressed:
		if len(page) != size {
			return errPage
		}
		return nil
	case pq.Snappy:
		if n, err := snappy.DecodedLen(page); err != nil || n != size {
			return errPage
		}
		return nil
	case pq.Lz4Raw:
		// A byte of LZ4 stands for 255 at the most.
		if size > 255*len(page) {
			return errPage
		}
		c.plain = resize(c.plain, size)
		if n, err := lz4.UncompressBlock(page, c.plain); err != nil || n != size {
			return errPage
		}
		return nil
	case pq.Gzip:
		r, err = gzip.NewReader(bytes.NewReader(page))
	case pq.Zstd:
		r, err = c.zstdReader(page)
	case pq.Brotli:
		r = brotli.NewReader(bytes.NewReader(page))
	default:
		return fmt.Errorf("codec %v is not supported", codec)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errPage, err)
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r, int64(size)+1))
	if err != nil || n != int64(size) {
		return fmt.Errorf("%w: %d bytes of %d (%v)", errPage, n, size, err)
	}
	return nil
}

func (c *pageChecker) zstdReader(page []byte) (r io.Reader, err error) {
	if c.zstd == nil {
		c.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, err
		}
	}
	return c.zstd, c.zstd.Reset(bytes.NewReader(page))
}

func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
