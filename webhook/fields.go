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

// readFields reads the fields of an object in one pass, all of which must be JSON. A field that is missing or null stays as
// it is.
func readFields(body []byte, fields []field) error {
	d := fieldReader{text: jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))}
	if d.text.PeekKind() != '{' {
		return fmt.Errorf("%w: not an object", ErrNotJSON)
	}
	if err := d.object(fields); err != nil {
		return fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	if _, err := d.text.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the object", ErrNotJSON)
	}
	return d.wrong
}

// fieldReader is one pass over a payload.
type fieldReader struct {
	text  *jsontext.Decoder
	wrong error // of the first field that is something else than it should be
}

// object reads an object. The error is one of JSON.
func (d *fieldReader) object(fields []field) error {
	if _, err := d.text.ReadToken(); err != nil {
		return err
	}
	pending := slices.Clone(fields)
	for {
		name, err := d.text.ReadToken()
		if err != nil || name.Kind() == '}' {
			return err
		}
		i := -1
		if len(pending) > 0 {
			known := name.String()
			i = slices.IndexFunc(pending, func(f field) bool { return f.name == known })
		}
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
}

func (d *fieldReader) value(f field) error {
	kind := d.text.PeekKind()
	switch into := f.into.(type) {
	case []field:
		if kind == '{' {
			return d.object(into)
		}
		return d.skip(f, kind, "an object")
	case *string:
		if kind != '"' {
			return d.skip(f, kind, "a string")
		}
		token, err := d.text.ReadToken()
		if err == nil {
			*into = token.String()
		}
		return err
	case *int64:
		if kind != '0' {
			return d.skip(f, kind, "a whole number")
		}
		value, err := d.text.ReadValue()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil {
			d.note(f, "a whole number")
		}
		*into = n
	}
	return nil
}

// skip passes over a value that is null, or something else than it should be.
func (d *fieldReader) skip(f field, kind jsontext.Kind, want string) error {
	if kind != 'n' {
		d.note(f, want)
	}
	return d.text.SkipValue()
}

func (d *fieldReader) note(f field, want string) {
	if d.wrong == nil {
		d.wrong = fmt.Errorf("its %s is not %s", f.name, want)
	}
}
