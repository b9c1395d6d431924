package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// field is a member of a JSON object, and where its value goes: a *string, an *int64, or the fields of the object that it is.
type field struct {
	name string
	into any
}

// leaves are how many values a field stands for.
func leaves(fields []field) (n int) {
	for _, f := range fields {
		if below, ok := f.into.([]field); ok {
			n += leaves(below)
		} else {
			n++
		}
	}
	return n
}

// readFields reads the fields of an object in one pass, which ends as soon as all are known. A field that is missing or null
// stays as it is.
func readFields(body []byte, fields []field) error {
	d := fieldReader{jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true)), leaves(fields)}
	if d.text.PeekKind() != '{' {
		return fmt.Errorf("%w: not an object", ErrNotJSON)
	}
	err := d.object(fields)
	if err == nil && d.text.StackDepth() == 0 && len(fields) > 0 {
		if _, err = d.text.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
		return fmt.Errorf("%w: something follows the object", ErrNotJSON)
	}
	if _, bad := errors.AsType[*jsontext.SyntacticError](err); bad || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	return err
}

// fieldReader is one pass over a payload.
type fieldReader struct {
	text *jsontext.Decoder
	left int // values that are not known yet
}

func (d *fieldReader) object(fields []field) error {
	if d.left == 0 {
		return nil
	}
	if _, err := d.text.ReadToken(); err != nil {
		return err
	}
	pending := slices.Clone(fields)
	for d.left > 0 {
		name, err := d.text.ReadToken()
		if err != nil {
			return err
		}
		if name.Kind() == '}' {
			d.left -= leaves(pending)
			return nil
		}
		known := name.String()
		i := slices.IndexFunc(pending, func(f field) bool { return f.name == known })
		if i < 0 {
			err = d.text.SkipValue()
		} else {
			err = d.value(pending[i])
			pending = slices.Delete(pending, i, i+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *fieldReader) value(f field) error {
	kind := d.text.PeekKind()
	below, nested := f.into.([]field)
	switch {
	case kind == 'n':
		d.left -= leaves([]field{f})
		return d.text.SkipValue()
	case nested && kind == '{':
		return d.object(below)
	case nested:
		return d.wrong(f, "an object")
	}
	d.left--
	switch into := f.into.(type) {
	case *string:
		if kind != '"' {
			return d.wrong(f, "a string")
		}
		token, err := d.text.ReadToken()
		if err == nil {
			*into = token.String()
		}
		return err
	case *int64:
		value, err := d.text.ReadValue()
		if err == nil {
			*into, err = strconv.ParseInt(string(value), 10, 64)
		}
		if _, bad := errors.AsType[*strconv.NumError](err); bad {
			return fmt.Errorf("its %s is not a whole number", f.name)
		}
		return err
	}
	return nil
}

// wrong is of a value that is something else than it should be, unless it is no JSON at all.
func (d *fieldReader) wrong(f field, want string) error {
	if err := d.text.SkipValue(); err != nil {
		return err
	}
	return fmt.Errorf("its %s is not %s", f.name, want)
}
