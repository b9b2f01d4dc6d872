package datasets

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"
	pq "github.com/parquet-go/parquet-go/format"
)

// An appendLeaf appends a value that is not null as JSON. An error is the
// row's.
type appendLeaf func(dst []byte, v parquet.Value) ([]byte, error)

// leafOf chooses how the values of a column become JSON, by the table in the
// package documentation. The text of a column is text even without annotation.
func leafOf(t parquet.Type, text bool) appendLeaf {
	if isText(t, text) {
		return appendText
	}
	if lt := t.LogicalType(); lt != nil {
		switch lt := lt.Value.(type) {
		case *pq.JsonType:
			return appendJSON
		case *pq.UUIDType:
			return appendUUID
		case *pq.DateType:
			return appendDate
		case *pq.TimeType:
			return timeLeaf(unitOf(lt.Unit), clockLayout)
		case *pq.TimestampType:
			if lt.IsAdjustedToUTC {
				return timeLeaf(unitOf(lt.Unit), time.RFC3339Nano)
			}
			return timeLeaf(unitOf(lt.Unit), localLayout)
		case *pq.DecimalType:
			return decimalLeaf(int(lt.Scale))
		case *pq.IntType:
			if !lt.IsSigned {
				return appendUnsigned
			}
		case *pq.NullType:
			return appendNull
		}
	}
	return appendPhysical
}

const (
	clockLayout = "15:04:05.999999999"
	localLayout = "2006-01-02T15:04:05.999999999"
)

// isText reports whether the values of a column are text.
func isText(t parquet.Type, text bool) bool {
	lt := t.LogicalType()
	if lt == nil {
		return text && t.Kind() == parquet.ByteArray
	}
	switch lt.Value.(type) {
	case *pq.StringType, *pq.EnumType:
		return true
	}
	return false
}

var errNotUTF8 = errors.New("text is not valid UTF-8")

func appendText(dst []byte, v parquet.Value) ([]byte, error) {
	dst, err := jsontext.AppendQuote(dst, bytesOf(v))
	if err != nil {
		return dst, errNotUTF8
	}
	return dst, nil
}

// bytesOf is the bytes of a value of either byte array type, nil of any other.
func bytesOf(v parquet.Value) []byte {
	switch v.Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return v.ByteArray()
	}
	return nil
}

// appendJSON appends JSON as it stands, and what is not JSON as text.
func appendJSON(dst []byte, v parquet.Value) ([]byte, error) {
	if value := jsontext.Value(bytesOf(v)); value.IsValid() {
		return append(dst, value...), nil
	}
	return appendText(dst, v)
}

func appendUUID(dst []byte, v parquet.Value) ([]byte, error) {
	b := bytesOf(v)
	if len(b) != 16 {
		return appendPhysical(dst, v)
	}
	dst = append(dst, '"')
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return append(dst, '"'), nil
}

func appendDate(dst []byte, v parquet.Value) ([]byte, error) {
	const day = 24 * 60 * 60
	return appendTime(dst, time.Unix(int64(v.Int32())*day, 0), time.DateOnly), nil
}

func appendTime(dst []byte, t time.Time, layout string) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, layout)
	return append(dst, '"')
}

func unitOf(u pq.TimeUnit) time.Duration {
	switch u.Value.(type) {
	case *pq.MilliSeconds:
		return time.Millisecond
	case *pq.MicroSeconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

// timeLeaf appends a count of units since 1970 or since midnight.
func timeLeaf(unit time.Duration, layout string) appendLeaf {
	perSecond := int64(time.Second / unit)
	return func(dst []byte, v parquet.Value) ([]byte, error) {
		n := v.Int64()
		if v.Kind() == parquet.Int32 {
			n = int64(v.Int32())
		}
		t := time.Unix(n/perSecond, n%perSecond*int64(unit))
		return appendTime(dst, t, layout), nil
	}
}

// maxDecimalDigits bounds what a hostile scale or a giant number would take;
// no writer known has decimals over 76 digits.
const maxDecimalDigits = 100

// decimalLeaf appends an exact number with scale digits after the point.
func decimalLeaf(scale int) appendLeaf {
	if scale < 0 || scale > maxDecimalDigits {
		return appendPhysical
	}
	return func(dst []byte, v parquet.Value) ([]byte, error) {
		unscaled := new(big.Int)
		switch v.Kind() {
		case parquet.Int32:
			unscaled.SetInt64(int64(v.Int32()))
		case parquet.Int64:
			unscaled.SetInt64(v.Int64())
		default:
			b := bytesOf(v)
			if len(b) == 0 || len(b) > maxDecimalDigits/2 {
				return appendPhysical(dst, v)
			}
			unscaled.SetBytes(b)
			if b[0] >= 0x80 { // two's complement
				unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
		}
		return appendDecimal(dst, unscaled, scale), nil
	}
}

func appendDecimal(dst []byte, unscaled *big.Int, scale int) []byte {
	if unscaled.Sign() < 0 {
		dst = append(dst, '-')
	}
	digits := new(big.Int).Abs(unscaled).String()
	for len(digits) <= scale {
		digits = "0" + digits
	}
	point := len(digits) - scale
	dst = append(dst, digits[:point]...)
	if scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, digits[point:]...)
	}
	return dst
}

func appendUnsigned(dst []byte, v parquet.Value) ([]byte, error) {
	if v.Kind() == parquet.Int32 {
		return strconv.AppendUint(dst, uint64(v.Uint32()), 10), nil
	}
	return strconv.AppendUint(dst, v.Uint64(), 10), nil
}

func appendNull(dst []byte, _ parquet.Value) ([]byte, error) {
	return append(dst, "null"...), nil
}

// appendPhysical appends a value by its physical type alone: bytes in base64,
// and NaN and infinities, which JSON has no numbers for, as strings.
func appendPhysical(dst []byte, v parquet.Value) ([]byte, error) {
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.AppendBool(dst, v.Boolean()), nil
	case parquet.Int32:
		return strconv.AppendInt(dst, int64(v.Int32()), 10), nil
	case parquet.Int64:
		return strconv.AppendInt(dst, v.Int64(), 10), nil
	case parquet.Int96:
		return appendInt96(dst, v), nil
	case parquet.Float:
		return appendFloat(dst, float64(v.Float()), 32), nil
	case parquet.Double:
		return appendFloat(dst, v.Double(), 64), nil
	case parquet.ByteArray, parquet.FixedLenByteArray:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.ByteArray())
		return append(dst, '"'), nil
	}
	return appendNull(dst, v)
}

func appendFloat(dst []byte, x float64, bits int) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, `"NaN"`...)
	case math.IsInf(x, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(x, -1):
		return append(dst, `"-Infinity"`...)
	}
	return jsontext.AppendFloat(dst, x, bits)
}

// appendInt96 appends the old timestamp of Impala and Spark: nanoseconds of the
// day, then the Julian day, of which 2440588 was 1970-01-01.
func appendInt96(dst []byte, v parquet.Value) []byte {
	const epoch, day = 2440588, 24 * 60 * 60
	i := v.Int96()
	nanos := int64(i[1])<<32 | int64(i[0])
	t := time.Unix((int64(i[2])-epoch)*day, 0).Add(time.Duration(nanos))
	return appendTime(dst, t, localLayout)
}
