package page

import (
	"strconv"
	"strings"
)

// style is how a character looks: its colour in the lowest five bits (0: the usual one, else 1 to 16), that of its
// ground in the next five, and flags.
type style uint32

const (
	bold style = 1 << (10 + iota)
	faint
	italic
	underlined
	inverse
	struck
	endOfStyles

	colourBits       = 5
	colourMask style = 1<<colourBits - 1
	groundMask       = colourMask << colourBits
	allStyles        = endOfStyles - 1
)

// with is the style after a sequence of SGR parameters (ECMA-48, 8.3.117).
func (s style) with(parameters string) style {
	if strings.Trim(parameters, "0123456789;:") != "" {
		return s // private
	}
	codes := strings.Split(parameters, ";")
	for i := 0; i < len(codes); i++ {
		parts := strings.Split(codes[i], ":")
		n, _ := strconv.Atoi(parts[0]) // none is 0
		if n != 38 && n != 48 {
			s = s.plus(n)
			continue
		}
		rest := parts[1:]
		if len(parts) == 1 {
			rest = codes[i+1:]
		}
		colour, used := extended(rest, len(parts) > 1)
		if len(parts) == 1 {
			i += used
		}
		s = s.coloured(n == 48, colour)
	}
	return s
}

func (s style) plus(n int) style {
	flags := map[int]style{1: bold, 2: faint, 3: italic, 4: underlined, 7: inverse, 9: struck}
	ends := map[int]style{22: bold | faint, 23: italic, 24: underlined, 27: inverse, 29: struck}
	switch {
	case n == 0:
		return 0
	case flags[n] != 0:
		return s | flags[n]
	case ends[n] != 0:
		return s &^ ends[n]
	case n >= 30 && n <= 37:
		return s.coloured(false, style(n-30+1))
	case n >= 90 && n <= 97:
		return s.coloured(false, style(n-90+9))
	case n >= 40 && n <= 47:
		return s.coloured(true, style(n-40+1))
	case n >= 100 && n <= 107:
		return s.coloured(true, style(n-100+9))
	case n == 39, n == 49:
		return s.coloured(n == 49, 0)
	}
	return s
}

func (s style) coloured(ground bool, colour style) style {
	if ground {
		return s&^groundMask | colour<<colourBits
	}
	return s&^colourMask | colour
}

// extended is the nearest of the sixteen colours to one of 256 (5;N) or of millions (2;R;G;B; with colons also 2::R:G:B),
// and how many parameters said so.
func extended(parts []string, colons bool) (colour style, used int) {
	number := func(i int) int {
		if i >= len(parts) {
			return 0
		}
		n, _ := strconv.Atoi(parts[i])
		return min(max(n, 0), 255)
	}
	if len(parts) == 0 {
		return 0, 0
	}
	switch parts[0] {
	case "5":
		return ofIndex(number(1)), min(2, len(parts))
	case "2":
		first := 1
		if colons && len(parts) > 4 {
			first = 2 // a colour space comes before
		}
		return nearest(number(first), number(first+1), number(first+2)), min(4, len(parts))
	}
	return 0, len(parts)
}

// ofIndex knows the palette of xterm.
func ofIndex(n int) style {
	switch {
	case n < 16:
		return style(n + 1)
	case n < 232:
		level := func(n int) int {
			if n == 0 {
				return 0
			}
			return 55 + 40*n
		}
		n -= 16
		return nearest(level(n/36), level(n/6%6), level(n%6))
	}
	grey := 8 + 10*(n-232)
	return nearest(grey, grey, grey)
}

// nearest has a bit for each of red, green and blue, and one for bright.
func nearest(r, g, b int) style {
	highest := max(r, g, b)
	switch {
	case highest < 64:
		return 1 // black
	case max(highest-r, highest-g, highest-b) < 32: // grey
		if highest > 220 {
			return 16
		}
		if highest > 150 {
			return 8
		}
		return 9
	}
	colour := style(1)
	for i, part := range []int{r, g, b} {
		if part > highest*3/5 {
			colour += 1 << i
		}
	}
	if highest > 200 {
		colour += 8
	}
	return colour
}

// classes are those that the style sheet has for it.
func (s style) classes() string {
	var all []string
	fore, ground := s&colourMask, s&groundMask>>colourBits
	if fore > 0 && fore <= 16 {
		all = append(all, "f"+strconv.Itoa(int(fore)-1))
	}
	if ground > 0 && ground <= 16 {
		all = append(all, "g"+strconv.Itoa(int(ground)-1))
	}
	for _, flag := range []struct {
		bit  style
		name string
	}{{bold, "bo"}, {faint, "fa"}, {italic, "it"}, {underlined, "un"}, {inverse, "in"}, {struck, "st"}} {
		if s&flag.bit != 0 {
			all = append(all, flag.name)
		}
	}
	return strings.Join(all, " ")
}
