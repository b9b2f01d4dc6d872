package datasets

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// isJSONL reports whether the first bytes of a file are those of JSON Lines: a
// brace, after a byte order mark and white space if any. An empty file has no
// rows in any format and is taken for this one.
func isJSONL(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n")
	return len(head) == 0 || head[0] == '{'
}

// byteOrderMark is what some editors put before UTF-8 text.
var byteOrderMark = []byte("\ufeff")

var errUTF16 = errors.New("is UTF-16 text: save it as UTF-8")

// jsonlRows yields the lines that are not blank. A row's number is its line's.
func jsonlRows(in *input, opts Options) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		head, _ := in.r.Peek(len(byteOrderMark))
		switch {
		case bytes.Equal(head, byteOrderMark):
			in.r.Discard(len(byteOrderMark))
		case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
			yield(row{}, errUTF16)
			return
		}

		lines := lineReader{r: in.r, max: opts.MaxLine}
		for num := int64(1); ; num++ {
			line, err := lines.next()
			switch {
			case err == io.EOF:
				return
			case err == errLong:
				if !yield(row{num, line}, badRow("line is longer than %d bytes", opts.MaxLine)) {
					return
				}
			case err != nil:
				yield(row{}, fmt.Errorf("line %d: %w", num, err))
				return
			case isBlank(line):
			case !yield(row{num, line}, nil):
				return
			}
		}
	}
}

// errLong is a line over the limit.
var errLong = errors.New("line too long")

// A lineReader reads lines of bounded length. A bufio.Scanner could not: it
// ends at the first line that is too long.
type lineReader struct {
	r    *bufio.Reader
	max  int    // longest line, in bytes without its end
	long []byte // holds a line that is longer than r's buffer
}

// next returns the next line without its end ("\n" or "\r\n"), valid until the
// next call. After a line over the limit, which it passes over, it returns the
// beginning of that line with errLong. At the end it returns io.EOF; a reader
// that fails in the middle of a line gives its error and not half a line.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return l.nextLong(line)
	}
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return l.check(line)
}

// nextLong goes on with a line that fills the buffer. It holds at most a
// buffer more than the limit, and lets go of what one giant line took.
func (l *lineReader) nextLong(line []byte) ([]byte, error) {
	if cap(l.long) > 4*bufferSize {
		l.long = nil
	}
	l.long = append(l.long[:0], line...)
	for {
		line, err := l.r.ReadSlice('\n')
		if len(l.long) <= l.max+len("\r\n") {
			l.long = append(l.long, line...)
		}
		switch err {
		case bufio.ErrBufferFull:
		case nil, io.EOF:
			return l.check(l.long)
		default:
			return nil, err
		}
	}
}

func (l *lineReader) check(line []byte) ([]byte, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > l.max {
		return line, errLong
	}
	return line, nil
}

// isBlank reports whether a line holds white space only.
func isBlank(line []byte) bool { return len(bytes.TrimLeft(line, " \t\r")) == 0 }

// A jsonlWriter writes a JSON object a line.
type jsonlWriter struct {
	w   *bufio.Writer
	buf []byte
}

func newJSONLWriter(w io.Writer, _ kind) rowWriter {
	return &jsonlWriter{w: bufio.NewWriterSize(w, bufferSize)}
}

func (w *jsonlWriter) writePrompt(p *Prompt) (err error) {
	w.buf, err = appendPrompt(w.buf[:0], p)
	return w.flush(err)
}

func (w *jsonlWriter) writeResult(r *Result) (err error) {
	w.buf, err = AppendResult(w.buf[:0], r)
	return w.flush(err)
}

func (w *jsonlWriter) flush(err error) error {
	if err != nil {
		return err
	}
	_, err = w.w.Write(w.buf)
	return err
}

func (w *jsonlWriter) close() error { return w.w.Flush() }
