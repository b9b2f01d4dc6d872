package ollamatest

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A gguf is a model file in the making, in version 3 of the format that ggml's
// docs/gguf.md describes: a header, metadata, the tensors' names and shapes,
// and then their numbers, all little-endian.
type gguf struct {
	keys, tensors          uint64
	metadata, shapes, data []byte
}

// ggufAlignment is the format's default for the place of every tensor.
const ggufAlignment = 32

// The format's numbers for the types of metadata values and tensors.
const (
	ggufUint32  uint32 = 4
	ggufInt32   uint32 = 5
	ggufFloat32 uint32 = 6
	ggufBool    uint32 = 7
	ggufString  uint32 = 8
	ggufArray   uint32 = 9

	ggmlFloat32 uint32 = 0
)

// set adds metadata. An int is written as an unsigned 32-bit number, which is
// what every count and token id is.
func (g *gguf) set(key string, value any) {
	g.keys++
	out := ggufText(g.metadata, key)
	switch v := value.(type) {
	case int:
		out = ggufAppend(out, ggufUint32, uint32(v))
	case float32:
		out = ggufAppend(out, ggufFloat32, v)
	case bool:
		out = ggufAppend(out, ggufBool, v)
	case string:
		out = ggufText(ggufAppend(out, ggufString), v)
	case []int32:
		out = ggufAppend(out, ggufArray, ggufInt32, uint64(len(v)), v)
	case []float32:
		out = ggufAppend(out, ggufArray, ggufFloat32, uint64(len(v)), v)
	case []string:
		out = ggufAppend(out, ggufArray, ggufString, uint64(len(v)))
		for _, text := range v {
			out = ggufText(out, text)
		}
	default:
		panic(fmt.Sprintf("ollamatest: metadata %s is a %T", key, value))
	}
	g.metadata = out
}

// add adds a tensor: rows of width numbers, or one vector where rows is 1.
func (g *gguf) add(name string, rows, width int, numbers []float32) {
	if len(numbers) != rows*width {
		panic(fmt.Sprintf("ollamatest: tensor %s has %d numbers, want %d × %d", name, len(numbers), rows, width))
	}
	g.tensors++
	dims := []uint64{uint64(width), uint64(rows)} // the fastest dimension first
	if rows == 1 {
		dims = dims[:1]
	}
	g.shapes = ggufAppend(ggufText(g.shapes, name), uint32(len(dims)), dims, ggmlFloat32, uint64(len(g.data)))
	g.data = ggufPad(ggufAppend(g.data, numbers))
}

// bytes is the whole file.
func (g *gguf) bytes() []byte {
	out := ggufAppend([]byte("GGUF"), uint32(3), g.tensors, g.keys)
	out = ggufPad(slices.Concat(out, g.metadata, g.shapes))
	return append(out, g.data...)
}

func ggufText(out []byte, text string) []byte {
	return append(ggufAppend(out, uint64(len(text))), text...)
}

// ggufAppend appends fixed-size values or slices of them.
func ggufAppend(out []byte, values ...any) []byte {
	for _, value := range values {
		var err error
		if out, err = binary.Append(out, binary.LittleEndian, value); err != nil {
			panic("ollamatest: " + err.Error())
		}
	}
	return out
}

func ggufPad(out []byte) []byte {
	return append(out, make([]byte, -len(out)&(ggufAlignment-1))...)
}
