package github

import (
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bittrance/kitops/app"
)

const (
	maxRemarks    = 100  // annotations of a run
	maxMessage    = 4000 // bytes of one; GitHub takes 64 KB
	maxRemarkName = 255  // bytes of its title
	maxLineNumber = 1 << 30
)

// remark reads a line such as ::error file=app.go,line=7,endLine=9,title=Vet::message, as actions of GitHub's own print
// it: https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
// It is false for one that GitHub could not show: without a file within the repository, or without words. Each text is what
// clean makes of it, after it was unescaped.
func remark(line string, clean func(string) string) (app.Annotation, bool) {
	line = strings.TrimSpace(line)
	for word, level := range map[string]string{"error": "failure", "warning": "warning", "notice": "notice"} {
		rest, is := strings.CutPrefix(line, "::"+word)
		if !is {
			continue
		}
		parameters, message, found := strings.Cut(rest, "::")
		if !found || parameters != "" && parameters[0] != ' ' {
			return app.Annotation{}, false
		}
		a := app.Annotation{Level: level, Message: cutBytes(clean(unescape(message, false)), maxMessage)}
		for pair := range strings.SplitSeq(strings.TrimSpace(parameters), ",") {
			name, value, _ := strings.Cut(pair, "=")
			set(&a, strings.TrimSpace(name), strings.ReplaceAll(clean(unescape(value, true)), "\n", " "))
		}
		return clamp(a)
	}
	return app.Annotation{}, false
}

func set(a *app.Annotation, name, value string) {
	number := func() int {
		n, err := strconv.Atoi(value)
		if err != nil {
			return 0
		}
		return n
	}
	switch name {
	case "file":
		a.Path = strings.ReplaceAll(value, "\\", "/")
	case "line":
		a.StartLine = number()
	case "endLine":
		a.EndLine = number()
	case "col":
		a.StartColumn = number()
	case "endColumn":
		a.EndColumn = number()
	case "title":
		a.Title = cutBytes(value, maxRemarkName)
	}
}

// clamp makes an annotation one that GitHub takes: it refuses a whole request for a line 0, an end before its beginning, or
// columns over several lines.
func clamp(a app.Annotation) (app.Annotation, bool) {
	a.Path = path.Clean(a.Path)
	if a.Path == "." || strings.HasPrefix(a.Path, "/") || strings.HasPrefix(a.Path, "..") || a.Message == "" {
		return a, false
	}
	a.StartLine = min(max(a.StartLine, 1), maxLineNumber)
	a.EndLine = min(max(a.EndLine, a.StartLine), maxLineNumber)
	if a.StartLine != a.EndLine || a.StartColumn < 1 || a.StartColumn > maxLineNumber {
		a.StartColumn, a.EndColumn = 0, 0
	} else {
		a.EndColumn = min(max(a.EndColumn, a.StartColumn), maxLineNumber)
	}
	return a, true
}

// unescape reads what a line cannot hold; in a parameter two characters more.
func unescape(text string, parameter bool) string {
	if parameter {
		return strings.NewReplacer("%3A", ":", "%2C", ",", "%0D", "\r", "%0A", "\n", "%25", "%").Replace(text)
	}
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(text)
}

// cutBytes shortens a text to so many bytes, at a character.
func cutBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	most -= len("…")
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}
