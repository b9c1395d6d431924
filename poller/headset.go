package poller

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git"
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

// headSet is heads by their refs, each once, in order. It is never changed, since
// states share it. It is written as lines like those of Git's packed-refs. A
// repository may have 250,000 branches: many are packed, which takes about a third
// of the room and none of the time that YAML takes.
type headSet []git.Revision

// newHeadSet takes heads in any order, of which each is another ref.
func newHeadSet(heads []git.Revision) headSet {
	if !slices.IsSortedFunc(heads, byRef) {
		heads = slices.SortedFunc(slices.Values(heads), byRef)
	}
	return heads
}

func byRef(a, b git.Revision) int { return strings.Compare(a.Ref, b.Ref) }

// sha is where a ref was.
func (h headSet) sha(ref string) (sha string, there bool) {
	i, there := slices.BinarySearchFunc(h, git.Revision{Ref: ref}, byRef)
	if !there {
		return "", false
	}
	return h[i].SHA, true
}

// finder is sha, faster for one who asks in order.
func (h headSet) finder() func(ref string) (sha string, there bool) {
	next := 0
	return func(ref string) (string, bool) {
		if next < len(h) && h[next].Ref == ref {
			next++
			return h[next-1].SHA, true
		}
		i, there := slices.BinarySearchFunc(h, git.Revision{Ref: ref}, byRef)
		next = i
		if !there {
			return "", false
		}
		next++
		return h[i].SHA, true
	}
}

// with is the set with others, which are not in it.
func (h headSet) with(others headSet) headSet {
	if len(h) == 0 {
		return others
	}
	all := make(headSet, 0, len(h)+len(others))
	for len(h) > 0 && len(others) > 0 {
		if h[0].Ref < others[0].Ref {
			all, h = append(all, h[0]), h[1:]
		} else {
			all, others = append(all, others[0]), others[1:]
		}
	}
	return append(append(all, h...), others...)
}

// without is the set without some refs.
func (h headSet) without(gone func(ref string) bool) headSet {
	return slices.DeleteFunc(slices.Clone(h), func(r git.Revision) bool { return gone(r.Ref) })
}

// MarshalYAML implements yaml.InterfaceMarshaler.
func (h headSet) MarshalYAML() (any, error) {
	if len(h) > mostListed {
		if text, ok := h.pack(); ok {
			return slices.Collect(func(yield func(string) bool) {
				for more := yield(packed); more && text != ""; {
					n := min(packedLine, len(text))
					more, text = yield(text[:n]), text[n:]
				}
			}), nil
		}
	}
	lines := make([]string, 0, len(h))
	for _, r := range h {
		lines = append(lines, r.SHA+" "+r.Ref)
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
	heads := make([]git.Revision, 0, len(lines))
	for _, line := range lines {
		sha, ref, found := strings.Cut(line, " ")
		if !found {
			return fmt.Errorf("%q is not a SHA and a ref", line)
		}
		heads = append(heads, git.Revision{Ref: ref, SHA: sha})
	}
	h.take(heads)
	return nil
}

// take makes a set of what a file has, which may be in any order and have a ref twice.
func (h *headSet) take(heads []git.Revision) {
	if !slices.IsSortedFunc(heads, byRef) {
		slices.SortStableFunc(heads, byRef)
	}
	*h = slices.CompactFunc(heads, func(a, b git.Revision) bool { return a.Ref == b.Ref })
}

// pack writes the refs as lines, an empty one, and the SHAs in their order in
// binary: compressed, in base64. SHAs of two lengths are not packed.
func (h headSet) pack() (text string, ok bool) {
	var out strings.Builder
	encoded := base64.NewEncoder(base64.StdEncoding, &out)
	z, _ := zlib.NewWriterLevel(encoded, zlib.BestSpeed) // fails for levels that do not exist
	for _, r := range h {
		if r.Ref == "" || strings.Contains(r.Ref, "\n") {
			return "", false
		}
		_, _ = io.WriteString(z, r.Ref) // a builder takes all
		_, _ = io.WriteString(z, "\n")
	}
	_, _ = io.WriteString(z, "\n")
	var sha, digits []byte
	for _, r := range h {
		var err error
		sha, err = hex.AppendDecode(sha[:0], []byte(r.SHA))
		digits = hex.AppendEncode(digits[:0], sha)
		if err != nil || len(sha) == 0 || len(r.SHA) != len(h[0].SHA) || string(digits) != r.SHA {
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
	count := bytes.Count(names, []byte("\n")) + 1
	size := len(shas) / count
	if !found || size == 0 || size*count != len(shas) {
		return fmt.Errorf("remembered: %d refs do not go with %d bytes of SHAs", count, len(shas))
	}
	refs, digits := string(names), hex.EncodeToString(shas) // of which each ref and each SHA is a part
	heads := make([]git.Revision, 0, count)
	for ref := range strings.SplitSeq(refs, "\n") {
		at := 2 * size * len(heads)
		heads = append(heads, git.Revision{Ref: ref, SHA: digits[at : at+2*size]})
	}
	h.take(heads)
	return nil
}

// shows tells whether a revision is among heads, of any ref where it names none.
func shows(heads []git.Revision, rev git.Revision) bool {
	for _, head := range heads {
		if head.SHA == rev.SHA && (rev.Ref == "" || head.Ref == rev.Ref) {
			return true
		}
	}
	return false
}
