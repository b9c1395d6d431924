package apptest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Forms are what a secret may look like where it was encoded, by their names.
func Forms(secret string) map[string]string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		panic(err) // texts always marshal
	}
	var bare bytes.Buffer
	encoder := json.NewEncoder(&bare)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(secret); err != nil {
		panic(err)
	}
	command := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	forms := map[string]string{
		"plain": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "JSON": strings.Trim(string(quoted), `"`),
		"JSON without HTML": strings.Trim(strings.TrimSpace(bare.String()), `"`), "hex": hex.EncodeToString([]byte(secret)),
		"HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))), "command": command.Replace(secret),
		"parameter": strings.NewReplacer(":", "%3A", ",", "%2C").Replace(command.Replace(secret)),
	}
	for n, before := range []string{"", "x", "xy"} {
		// The characters on both sides depend on what stands beside the secret.
		whole := base64.StdEncoding.EncodeToString([]byte(before + secret))
		middle := whole[(n*8+5)/6 : (n+len(secret))*8/6]
		forms["base64 "+before] = middle
		forms["base64url "+before] = strings.NewReplacer("+", "-", "/", "_").Replace(middle)
	}
	return forms
}

// Secrets are looked for in texts: the forms of each, which are made once.
type Secrets []map[string]string

// NewSecrets are secrets to look for.
func NewSecrets(secrets ...string) Secrets {
	all := make(Secrets, 0, len(secrets))
	for _, secret := range secrets {
		all = append(all, Forms(secret))
	}
	return all
}

// Leaks are the names of the forms that a text has of secrets, also in what it has as JSON.
func (s Secrets) Leaks(text []byte) []string {
	texts := []string{string(text)}
	var parsed any
	if json.Unmarshal(text, &parsed) == nil {
		texts = appendTexts(texts, parsed)
	}
	var found []string
	for _, forms := range s {
		for name, form := range forms {
			if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, form) }) {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return found
}

func appendTexts(to []string, value any) []string {
	switch v := value.(type) {
	case string:
		return append(to, v)
	case []any:
		for _, one := range v {
			to = appendTexts(to, one)
		}
	case map[string]any:
		for name, one := range v {
			to = appendTexts(append(to, name), one)
		}
	}
	return to
}
