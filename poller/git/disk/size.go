package disk

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, which people write as 500MB or 4GB.
type Size int64

// units are the powers of 1024 that a size may be written in.
const units = "KMGT"

// UnmarshalText understands a number with or without a unit: 512KB, 4G, 1 TB.
func (s *Size) UnmarshalText(text []byte) error {
	number := strings.ToUpper(string(text))
	number = strings.TrimSuffix(number, "B")
	shift := 0
	if n := len(number); n > 0 {
		if i := strings.IndexByte(units, number[n-1]); i >= 0 {
			number, shift = number[:n-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>(shift+8) {
		return fmt.Errorf("%q is no size (write 500MB or 4GB)", text)
	}
	*s = Size(n << shift)
	return nil
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Size) String() string {
	n, unit := int64(s), ""
	for i := 0; i < len(units) && n != 0 && n%1024 == 0; i++ {
		n, unit = n/1024, units[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit + "B"
}
