package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// number writes a ratio with three decimals.
func number(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }

// percent writes a fraction with one decimal.
func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) + " %" }

// dollars writes an amount with cents, or with three digits where cents would
// show too few: $1,234.50, $0.0123, $0.
func dollars(x float64) string {
	if x == 0 {
		return "$0"
	}
	return "$" + amount(x, decimals(x))
}

// decimals is the number of decimals that an amount is written with.
func decimals(x float64) int {
	if x = math.Abs(x); x >= 0.995 || x == 0 {
		return 2
	}
	return min(12, max(2, 2-int(math.Floor(math.Log10(x)))))
}

func amount(x float64, decimals int) string {
	whole, cents, _ := strings.Cut(strconv.FormatFloat(x, 'f', decimals, 64), ".")
	return thousands(whole) + "." + cents
}

// seconds writes a time with three digits: 1.23 s, 45 ms.
func seconds(x float64) string {
	switch {
	case x == 0:
		return "0 s"
	case x < 0.9995e-3:
		return strconv.FormatFloat(1e6*x, 'g', 3, 64) + " µs"
	case x < 0.9995:
		return strconv.FormatFloat(1e3*x, 'g', 3, 64) + " ms"
	case x < 999.5:
		return strconv.FormatFloat(x, 'g', 3, 64) + " s"
	}
	return thousands(strconv.FormatFloat(x, 'f', 0, 64)) + " s"
}

// rate writes a win rate or threshold in full, so that it can be pasted into a
// spec and routes as here; the threshold above every win rate is "above all".
func rate(x float64) string {
	if math.IsInf(x, 1) {
		return "above all"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// grouped writes a count with thousands separated.
func grouped(n float64) string { return thousands(strconv.FormatFloat(n, 'f', 0, 64)) }

func thousands(digits string) string {
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// printable keeps what a file or a spec calls a model on one line and away from
// the terminal's controls.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '�'
		}
		return r
	}, s)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(float64(n)) + " " + noun + "s"
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// quantity writes a number of that unit.
func quantity(x float64, unit Unit) string {
	switch unit {
	case Share:
		return percent(x)
	case USD:
		return dollars(x)
	case Seconds:
		return seconds(x)
	case PerSecond:
		return strconv.FormatFloat(x, 'f', 1, 64) + "/s"
	case Count:
		return grouped(x)
	}
	return number(x)
}

// center writes the number of a value, or the word that stands for it.
func (v Value) center() string {
	if !v.OK() {
		return v.Missing
	}
	return quantity(v.Center, v.Unit)
}

// String writes the value with its interval as benchstat does: the distance of
// the farther end. The exact ends are in the JSON form.
func (v Value) String() string {
	if !v.HasInterval() {
		return v.center()
	}
	half := max(v.Hi-v.Center, v.Center-v.Lo)
	if v.Unit == USD {
		return fmt.Sprintf("%s ± %s", v.center(), amount(half, decimals(v.Center)))
	}
	return fmt.Sprintf("%s ± %s", v.center(), quantity(half, v.Unit))
}
