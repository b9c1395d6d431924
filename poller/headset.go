package poller

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const (
	// mostListed is how many heads are written as people can read them.
	mostListed = 1000
	// packed begins the list of the others, in pieces of packedLine bytes: of one
	// long line the YAML parser makes 20 times as much.
	packed     = "packed"
	packedLine = 4 << 10
	// mostUnpacked bounds what they may have, in bytes.
	mostUnpacked = 1 << 28
)

// headSet maps refs to SHAs. It is written as lines like those of Git's
// packed-refs. A repository may have 250,000 branches: many are packed, which
// takes about a third of the room and none of the time that YAML takes.
type headSet map[string]string

// MarshalYAML implements yaml.InterfaceMarshaler.
func (h headSet) MarshalYAML() (any, error) {
	refs := slices.Sorted(maps.Keys(h))
	if len(h) > mostListed {
		if text, ok := h.pack(refs); ok {
			return slices.Collect(func(yield func(string) bool) {
				for more := yield(packed); more && text != ""; {
					n := min(packedLine, len(text))
					more, text = yield(text[:n]), text[n:]
				}
			}), nil
		}
	}
	lines := make([]string, 0, len(h))
	for _, ref := range refs {
		lines = append(lines, h[ref]+" "+ref)
	}
	return lines, nil
}

// UnmarshalYAML implements yaml.InterfaceUnmarshaler.
func (h *headSet) UnmarshalYAML(decode func(any) error) error {
	var lines []string
	if err := decode(&lines); err != nil {
		return err
	}
	if len(lines) > 0 && lines[0] == packed {
		return h.unpack(strings.Join(lines[1:], ""))
	}
	*h = make(headSet, len(lines))
	for _, line := range lines {
		sha, ref, found := strings.Cut(line, " ")
		if !found {
			return fmt.Errorf("%q is not a SHA and a ref", line)
		}
		(*h)[ref] = sha
	}
	return nil
}

// pack writes the refs as lines, an empty one, and the SHAs in their order in
// binary: compressed, in base64. SHAs of two lengths are not packed.
func (h headSet) pack(refs []string) (text string, ok bool) {
	var out strings.Builder
	encoded := base64.NewEncoder(base64.StdEncoding, &out)
	z, _ := zlib.NewWriterLevel(encoded, zlib.BestSpeed) // fails for levels that do not exist
	for _, ref := range refs {
		if ref == "" || strings.Contains(ref, "\n") {
			return "", false
		}
		_, _ = io.WriteString(z, ref+"\n") // a builder takes all
	}
	_, _ = io.WriteString(z, "\n")
	for _, ref := range refs {
		sha, err := hex.DecodeString(h[ref])
		if err != nil || len(sha) == 0 || len(h[ref]) != len(h[refs[0]]) || hex.EncodeToString(sha) != h[ref] {
			return "", false
		}
		_, _ = z.Write(sha)
	}
	err := errors.Join(z.Close(), encoded.Close())
	return out.String(), err == nil
}

func (h *headSet) unpack(text string) error {
	z, err := zlib.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		return fmt.Errorf("remembered: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(z, mostUnpacked))
	if err != nil {
		return fmt.Errorf("remembered: %w", err)
	}
	names, shas, found := bytes.Cut(data, []byte("\n\n"))
	refs := strings.Split(string(names), "\n")
	size := len(shas) / len(refs)
	if !found || size == 0 || size*len(refs) != len(shas) {
		return fmt.Errorf("remembered: %d refs do not go with %d bytes of SHAs", len(refs), len(shas))
	}
	digits := hex.EncodeToString(shas) // one string, of which each SHA is a part
	*h = make(headSet, len(refs))
	for i, ref := range refs {
		(*h)[ref] = digits[2*size*i : 2*size*(i+1)]
	}
	return nil
}
