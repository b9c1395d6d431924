package client

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/bittrance/kitops/status"
)

// table is rows of cells, the first of them their heads.
type table [][]string

// write prints the table. On a terminal of that many columns (0: no terminal) each
// row has one line: the last cell, then the others that are too wide are cut.
func (t table) write(w io.Writer, width int) error {
	widths := make([]int, len(t[0]))
	for i, row := range t {
		for j, cell := range row {
			t[i][j] = status.Printable(cell)
			widths[j] = max(widths[j], utf8.RuneCountInString(t[i][j]))
		}
	}
	if width > 0 {
		narrow(widths, width)
	}
	for _, row := range t {
		var line strings.Builder
		for j, cell := range row {
			cell = cut(cell, widths[j])
			line.WriteString(cell)
			if j < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)+2))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// narrow makes columns fit: the widest gives first.
func narrow(widths []int, width int) {
	const least = 7
	sum := 2 * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	for ; sum > width; sum-- {
		widest := len(widths) - 1
		for j, w := range widths {
			if w > widths[widest] {
				widest = j
			}
		}
		if widths[widest] <= least {
			return
		}
		widths[widest]--
	}
}

// cut shortens a cell, and says so.
func cut(cell string, width int) string {
	if utf8.RuneCountInString(cell) <= width {
		return cell
	}
	return string([]rune(cell)[:width-1]) + "…"
}

// short is a ref as people call it.
func short(ref string) string {
	return strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/")
}

func sha7(sha string) string { return sha[:min(len(sha), 7)] }

// listed are names with commas, the first few.
func listed(names []string) string {
	const most = 10
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		names = append(names[:most:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}
