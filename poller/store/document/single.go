package document

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

const (
	singleHeader   = "# Memory of kitops between executions. Safe to read; stop every kitops that uses this store before you edit it.\n"
	mendSingle     = "fix the object, or move it away and kitops starts with an empty memory of this"
	maxSingleLines = 100_000
	maxSingle      = 4 << 20 // bytes: a task with 20,000 branches has half of that, and each save carries them all
)

// Encode writes a document that has a file or an object of its own. Save is a text that no other call uses: who reads it
// back knows whether it was this one that was written. Writer names the program.
func Encode(data []byte, writer, save string) ([]byte, error) {
	data, err := Canonical(data)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%sversion: %d\nwritten_by: %s\nsave: %s\ndocument:", singleHeader, FormatVersion, Quote(writer), Quote(save))
	if data[0] == '{' {
		b.WriteByte(' ')
		b.Write(data)
	} else {
		b.WriteByte('\n')
		for line := range bytes.Lines(data) {
			b.WriteString("  ")
			b.Write(line)
		}
	}
	if b.Len() > maxSingle {
		return nil, fmt.Errorf("a document of %d bytes, at most %d are kept in a shared store", b.Len(), maxSingle)
	}
	return b.Bytes(), nil
}

// Decode reads what Encode wrote, also where a person has edited it. It returns *[FormatError] for anything else.
func Decode(path string, text []byte) ([]byte, error) {
	data, err := decode(strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n"))
	if err == nil {
		return data, nil
	}
	var newer *NewerError
	if errors.As(err, &newer) {
		return nil, &FormatError{path, newer.Line, newer.Error(), "run that kitops on every host of this store"}
	}
	var syntax *SyntaxError
	errors.As(err, &syntax)
	return nil, &FormatError{path, syntax.Line, syntax.Problem, mendSingle}
}

func decode(text string) (data []byte, err error) {
	if strings.Count(text, "\n") > maxSingleLines {
		return nil, &SyntaxError{1, fmt.Sprintf("more than %d lines", maxSingleLines)}
	}
	if len(text) > maxSingle {
		return nil, &SyntaxError{1, fmt.Sprintf("larger than the %d bytes that kitops reads", maxSingle)}
	}
	blocks, err := Split(text, 1)
	if err != nil {
		return nil, err
	}
	var problem error = &SyntaxError{1, "no version, so not a document of kitops"}
	for _, b := range blocks { // before all else: a newer one may hold anything besides
		if b.Key() == "version" {
			if _, problem = b.Version(FormatVersion); problem != nil {
				break
			}
		}
	}
	if problem != nil {
		return nil, problem
	}
	for _, b := range blocks {
		switch b.Key() {
		case "version", "written_by", "save":
		case "document":
			if data != nil {
				return nil, &SyntaxError{b.Line, "the key document is there twice"}
			}
			if _, data, err = b.Document(); err != nil {
				var syntax *SyntaxError
				errors.As(err, &syntax)
				return nil, &SyntaxError{b.Line + syntax.Line - 1, syntax.Problem}
			}
		default:
			return nil, &SyntaxError{b.Line, fmt.Sprintf("only version, written_by, save and document may stand here, not %q", Clip(b.Text))}
		}
	}
	if data == nil {
		return nil, &SyntaxError{1, "no document in it"}
	}
	return data, nil
}
