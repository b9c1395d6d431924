package gittest

import (
	"math/rand/v2"
	"strings"
)

// BorderTexts are texts at the borders of what git decides.
func BorderTexts() []string {
	plain := strings.Repeat("plain text\n", 12) // 132 bytes, 120 of them printable
	long := strings.Repeat("0123456789abcdef\n", 600)
	all := []string{
		"", "\n", "\r", "\r\n", "\n\n", "\r\r\n", "\n\r", "a", "a\n", "a\r\n", "a\nb\r\nc\n", "a\rb\n", "a\n\r\nb", "a\x00\n", "\x00", "a\n\x00", "a\n\x1a", "a\n\x1ab\n", "\x1a", "a\n\x1a\x1a",
		plain, plain + "\x01", plain + plain[:8] + "\x01", plain + plain[:9] + "\x01", plain + "12345678\x01", plain + "1234567\x01", plain + "12345678\x01\x1a", plain + "\x7f", plain + "\b\t\f\x1b", plain + "\v",
		"\xff\xfe\n", "ünïcödé\n", "\xef\xbb\xbfa\n", strings.Repeat("\x80\xff\n", 300), long, long + "\r\n", long + "\x00", long + "\r", long[:len(long)-1], strings.Repeat("\n", 5000), strings.Repeat("\r\n", 5000),
		"$Id$", "$Id$\n", "a$Id$b\n$Id$\r\n", "$Id: old $\n", "$Id: 0123456789012345678901234567890123456789 $\n", "$Id: foreign id $\n", "$Id: foreign id$ $Id$\n", "$Id:$", "$Id:x$", "$Id:x y$", "$Id: x$", "$Id:  $", "$Id: \t$",
		"$Id", "$I", "$", "$Id:", "$Id: ", "$Id: x", "$Id: x\n$Id$", "$Id\n$", "$id$", "$Id $", "$$Id$", "$I$Id$", "$Id$Id$", "$Id$$Id$", "$Id: a$Id$\n", "$Id: a b$Id$\n", "$Id\x00$Id$", "$Id\x00", "$Id: \x00 a b$\n",
		"$Id: a\x00 b$\n", "$Id: a\tb$\n", "$Id: a\rb$\n", "$Idea$ $Id$\n", "\x00$Id$\n", "$Id$\n" + long, long + "$Id: " + strings.Repeat("x", 3000) + "$", strings.Repeat("$Id$\n", 1000), "$Id: \x01\x02 $\n", "$Id: a $\r\n",
	}
	random := rand.New(rand.NewPCG(5, 5))
	for range 150 {
		var text strings.Builder
		for range random.IntN(30) {
			text.WriteString(Pick(random, "\n", "\n", "a", "abc", "\r\n", "\x01", "\xff", "$Id$", "$Id: x $", "$", " ", "Id$", ":"))
			if random.IntN(60) == 0 {
				text.WriteString(Pick(random, "\r", "\x00", "\x1a", plain))
			}
		}
		if !strings.Contains(text.String(), "$Ida$Id:") {
			all = append(all, text.String())
		}
	}
	return all
}
