package apptest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fields is a JSON object.
type fields = map[string]any

// call is one REST request being answered, under the lock.
type call struct {
	*http.Request
	who  identity
	body []byte
}

// decode reads the JSON body into v; no body leaves v alone, as GitHub does.
func (c *call) decode(v any) *answer {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	return nil
}

// answer is what the API says: body is sent as JSON, or as it is when it is a string.
type answer struct {
	status int
	body   any
	header [][2]string
	etag   string // only when it is not made from body and credentials
	media  string
}

func ok(body any) *answer { return &answer{status: http.StatusOK, body: body} }

func refuse(status int, message string) *answer {
	if message == "" {
		message = http.StatusText(status)
	}
	return &answer{status: status, body: fields{
		"message": message, "status": strconv.Itoa(status), "documentation_url": "https://docs.github.com/rest",
	}}
}

// invalid is GitHub's 422 about one field of a status.
func invalid(field, message string) *answer {
	return &answer{status: http.StatusUnprocessableEntity, body: fields{
		"message": "Validation Failed", "status": "422", "documentation_url": "https://docs.github.com/rest",
		"errors": []fields{{"resource": "Status", "field": field, "code": "custom", "message": message}},
	}}
}

func notFound() *answer { return refuse(http.StatusNotFound, "Not Found") }

func (a *answer) with(name, value string) *answer {
	a.header = append(a.header, [2]string{name, value})
	return a
}

// endpoint answers the calls of one route.
type endpoint struct {
	g      *GitHub
	answer func(*call) *answer
}

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	x := exchangeOf(r)
	c := &call{Request: r, who: x.who, body: body}
	a, sent := e.g.respond(c, e.answer, w.Header())
	e.g.checkAnswer(x.request, a, sent)
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(sent)
	}
}

// respond answers under the lock and fills in the headers.
func (g *GitHub) respond(c *call, handle func(*call) *answer, h http.Header) (*answer, []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.spend(c)
	limited := a != nil
	switch {
	case limited:
	case c.who.refusal != nil:
		a = c.who.refusal
	default:
		a = handle(c)
	}
	body := a.encode()
	if c.Method == http.MethodGet && a.status == http.StatusOK {
		if a.etag == "" {
			a.etag = fmt.Sprintf(`W/"%x"`, sha256.Sum256([]byte(c.who.secret+"\x00"+string(body))))
		}
		h.Set("ETag", a.etag)
		if matches(c.Header.Get("If-None-Match"), a.etag) {
			a, body = &answer{status: http.StatusNotModified, media: a.media}, nil
			g.refund(c)
		}
	}
	g.setHeaders(c, a, h, len(body))
	return a, body
}

func (g *GitHub) setHeaders(c *call, a *answer, h http.Header, size int) {
	g.limitHeaders(c, h)
	h.Set("X-GitHub-Media-Type", "github.v3; format=json")
	h.Set("X-GitHub-Api-Version-Selected", "2022-11-28")
	if g.options.Enterprise {
		h.Set("X-GitHub-Enterprise-Version", "3.17.0")
	}
	if c.who.kind == Anonymous {
		h.Set("Cache-Control", "public, max-age=60, s-maxage=60")
	} else {
		h.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	}
	if a.status != http.StatusNotModified && a.status != http.StatusNoContent {
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(size))
	}
	if a.media != "" {
		h.Set("X-GitHub-Media-Type", "github.v3; param="+strings.TrimPrefix(a.media, "application/vnd.github."))
		if a.status == http.StatusOK {
			h.Set("Content-Type", a.media+"; charset=utf-8")
		}
	}
	for _, pair := range a.header {
		h.Set(pair[0], pair[1])
	}
}

func (a *answer) encode() []byte {
	if s, ok := a.body.(string); ok {
		return []byte(s)
	}
	if a.body == nil {
		return nil
	}
	data, err := json.Marshal(a.body)
	if err != nil {
		panic(err) // only maps, slices, strings, numbers and times are ever put into a body
	}
	return data
}

// matches compares weakly, as RFC 9110 says for If-None-Match.
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || candidate != "" && strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// paged cuts the page out of all that the call asks for. https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api
func paged[T any](g *GitHub, c *call, all []T, body func([]T) any) *answer {
	size := between(c.URL.Query().Get("per_page"), 30, 100)
	page := between(c.URL.Query().Get("page"), 1, 1<<30)
	last := max(1, (len(all)+size-1)/size)
	a := ok(nil)
	var links []string
	link := func(rel string, page int) {
		links = append(links, fmt.Sprintf(`<%s>; rel="%s"`, g.here(c, "page", strconv.Itoa(page)), rel))
	}
	if page > 1 {
		link("prev", min(page-1, last))
		link("first", 1)
	}
	if page < last {
		link("next", page+1)
		link("last", last)
	}
	if len(links) > 0 {
		a.with("Link", strings.Join(links, ", "))
	}
	from := min((page-1)*size, len(all))
	a.body = body(slices.Clip(all[from:min(from+size, len(all))]))
	return a
}

// here is the address of the call with one query parameter changed.
func (g *GitHub) here(c *call, name, value string) string {
	query := c.URL.Query()
	query.Set(name, value)
	return g.APIURL + c.URL.EscapedPath() + "?" + query.Encode()
}

// between reads a number of the query: absent, malformed or below 1 is the default, above the most is the most.
func between(s string, byDefault, most int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return byDefault
	}
	return min(n, most)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func each[T any](items []T, f func(T) fields) []fields {
	out := make([]fields, 0, len(items))
	for _, item := range items {
		out = append(out, f(item))
	}
	return out
}
