package datasets

// AppendBadRow appends e as one line of bad_rows.jsonl, its newline included:
// file, row, error and raw, the beginning of the row as it stood (at most 4 KiB,
// with U+FFFD for what is not UTF-8). A reader that skips bad rows writes them
// there, so that nothing goes missing in silence.
func AppendBadRow(dst []byte, e *RowError) []byte {
	o := object{buf: append(dst, '{')}
	o.string("file", e.Pos.File)
	o.int("row", e.Pos.Row)
	o.string("error", e.Err.Error())
	o.text("raw", string(e.Raw))
	return append(o.buf, '}', '\n')
}
