package lfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/bittrance/kitops/poller/secret"
)

const (
	mediaType = "application/vnd.git-lfs+json"
	perBatch  = 100      // objects that a question is about, as servers want it
	perObject = 64 << 10 // bytes that an answer may have for each
	maxAnswer = 1 << 20  // and beside that
	maxHeader = 32       // fields for an object
	maxSaid   = 300      // bytes of what a server says that are repeated
)

// question is one to the batch API.
type question struct {
	Operation string   `json:"operation"`
	Transfers []string `json:"transfers"`
	Ref       *ref     `json:"ref,omitempty"`
	Objects   []object `json:"objects"`
	Hash      string   `json:"hash_algo"`
}

type ref struct {
	Name string `json:"name"`
}

type object struct {
	OID  string `json:"oid"`
	Size int64  `json:"size"`
}

// answer is one of it.
type answer struct {
	Transfer string     `json:"transfer"`
	Hash     string     `json:"hash_algo"`
	Objects  []answered `json:"objects"`
}

type answered struct {
	object
	Actions map[string]action `json:"actions"`
	Error   *objectError      `json:"error"`
}

type action struct {
	Href   string                 `json:"href"`
	Header map[string]secret.Text `json:"header"`
}

type objectError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// place is where an object is.
type place struct {
	Pointer
	href   *url.URL
	header map[string]secret.Text
}

// batch asks where objects are, perBatch at most.
func (s *Server) batch(ctx context.Context, refName string, wanted []Pointer) ([]place, error) {
	q := question{Operation: "download", Transfers: []string{"basic"}, Hash: "sha256"}
	if strings.HasPrefix(refName, "refs/") {
		q.Ref = &ref{refName}
	}
	for _, p := range wanted {
		q.Objects = append(q.Objects, object{p.OID, p.Size})
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, strings.TrimSuffix(s.URL, "/")+"/objects/batch", bytes.NewReader(body)) //nolint:noctx // do has it
	if err != nil {
		return nil, errors.New("malformed address of the Git LFS server")
	}
	req.Header.Set("Accept", mediaType)
	req.Header.Set("Content-Type", mediaType)
	res, err := s.do(ctx, s.client(true), req, s.Header)
	if err != nil {
		return nil, fmt.Errorf("ask %s for Git LFS objects: %w", req.URL.Host, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask %s for Git LFS objects: %w", req.URL.Host, s.refusal(res))
	}
	limit := int64(maxAnswer + perObject*len(wanted))
	text, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("an answer of more than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s for Git LFS objects: %w", req.URL.Host, err)
	}
	places, err := s.places(text, wanted)
	if err != nil {
		return nil, fmt.Errorf("ask %s for Git LFS objects: %w", req.URL.Host, err)
	}
	return places, nil
}

// places reads an answer, which must be about all that is wanted. What it has besides counts for nothing.
func (s *Server) places(text []byte, wanted []Pointer) ([]place, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("the answer is none of the batch API: %w", err)
	}
	if a.Transfer != "" && a.Transfer != "basic" {
		return nil, fmt.Errorf("the server wants the transfer %.40q, which was not offered", a.Transfer)
	}
	if a.Hash != "" && a.Hash != "sha256" {
		return nil, fmt.Errorf("the server names objects by %.40q, which was not offered", a.Hash)
	}
	told := make(map[string]answered, len(a.Objects))
	for _, o := range a.Objects {
		told[o.OID] = o
	}
	var places []place
	for _, p := range wanted {
		found, err := s.place(told, p)
		if err != nil {
			return nil, err
		}
		places = append(places, found)
	}
	return places, nil
}

func (s *Server) place(told map[string]answered, p Pointer) (place, error) {
	o, ok := told[p.OID]
	download, offered := o.Actions["download"]
	switch {
	case ok && o.Error != nil:
		return place{}, s.objectRefusal(p, o.Error)
	case !ok || !offered:
		return place{}, p.wrong("the server does not say where it is")
	case o.Size != p.Size:
		return place{}, p.wrong("the server has %d bytes, and the pointer says %d", o.Size, p.Size)
	case len(download.Header) > maxHeader:
		return place{}, p.wrong("more than %d header fields", maxHeader)
	}
	href, err := url.Parse(download.Href)
	if err != nil {
		return place{}, p.wrong("the server names an address that is none")
	}
	if err := s.allowed(href); err != nil {
		return place{}, p.wrong("%w", err)
	}
	for name, value := range download.Header {
		if !validHeader(name, value.Reveal()) {
			return place{}, p.wrong("a header field that is none")
		}
	}
	return place{p, href, download.Header}, nil
}

// validHeader says whether net/http sends a field.
func validHeader(name, value string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return name != ""
}
