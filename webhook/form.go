package webhook

import (
	"bytes"
	"encoding/hex"
	"errors"
	"mime"
)

// formType is the content type that GitHub gives a repository's webhook unless somebody chooses another:
// https://docs.github.com/webhooks/using-webhooks/creating-webhooks
const formType = "application/x-www-form-urlencoded"

var errNoPayload = errors.New("a form without a payload")

// payloadOf returns the JSON in a body of that content type. A form is decoded where it stands: its signature has been
// checked, and a second body of 25 MB would not be counted among those in memory.
func payloadOf(contentType string, body []byte) ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(contentType) // malformed: empty, as if it were JSON
	if kind != formType {
		return body, nil
	}
	for field := range bytes.SplitSeq(body, []byte("&")) {
		if value, found := bytes.CutPrefix(field, []byte("payload=")); found {
			return unescaped(value)
		}
	}
	return nil, errNoPayload
}

// unescaped decodes a form's value in place, by the URL Standard, 5.1.
func unescaped(value []byte) ([]byte, error) {
	n := 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(value) {
				return nil, errNoPayload
			}
			if _, err := hex.Decode(value[n:n+1], value[i+1:i+3]); err != nil {
				return nil, errNoPayload
			}
			c, i = value[n], i+2
		}
		value[n] = c
		n++
	}
	return value[:n], nil
}
