package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// message is a webhook as a relay of the smee protocol passes it on: headers by their lower-case names, and the body. A relay
// that parses the body and writes it anew may break its signature; some therefore send the raw bytes as well.
type message struct {
	Event     string          `json:"x-github-event"`
	GUID      string          `json:"x-github-delivery"`
	Signature string          `json:"x-hub-signature-256"`
	Body      json.RawMessage `json:"body"`  // as it stands in the message
	BodyB     json.RawMessage `json:"bodyB"` // the raw bytes, in base64
}

func parseMessage(data string) (message, error) {
	var m message
	if err := json.Unmarshal([]byte(data), &m); err != nil {
		return message{}, fmt.Errorf("relayed message: %w", err)
	}
	return m, nil
}

// bodies are what may have been signed, the likelier first.
func (m message) bodies() [][]byte {
	var all [][]byte
	var raw []byte
	if json.Unmarshal(m.BodyB, &raw) == nil && len(raw) > 0 {
		all = append(all, raw)
	}
	all = append(all, m.Body)
	// GitHub writes \u001B, and programs that write JSON anew \u001b.
	for _, digits := range []string{"ABCDEF", "abcdef"} {
		if spelt, changed := respelt(m.Body, digits); changed {
			all = append(all, spelt)
		}
	}
	return all
}

// respelt returns JSON whose \u escapes have these letters among their digits, and whether that differs.
func respelt(body []byte, letters string) (spelt []byte, changed bool) {
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		if i++; i+4 >= len(body) || body[i] != 'u' {
			continue
		}
		for range 4 {
			i++
			c := body[i]
			at := strings.IndexByte("abcdef", c|0x20)
			if at < 0 || c == letters[at] {
				continue
			}
			if !changed {
				spelt, changed = bytes.Clone(body), true
			}
			spelt[i] = letters[at]
		}
	}
	return spelt, changed
}

// verified returns the body that GitHub signed.
func (m message) verified(s *Secrets) ([]byte, bool) {
	if s == nil {
		return nil, false
	}
	for _, body := range m.bodies() {
		if s.Verify(m.Signature, body) {
			return body, true
		}
	}
	return nil, false
}
