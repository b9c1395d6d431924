package webhook

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// archive is an App's delivery log without a server, so that time can be the bubble's.
type archive struct {
	mu      sync.Mutex
	entries []delivery // oldest first
	hook    string
	fail    func(path string) *http.Response // nil: does not
	header  http.Header
	asked   []string // paths
}

func (a *archive) deliver(id int64, event string, age time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries = append(a.entries, delivery{ID: id, GUID: "guid-" + strconv.FormatInt(id, 10), DeliveredAt: time.Now().Add(-age), Event: event, RepositoryID: 7})
}

func (a *archive) count(path string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, asked := range a.asked {
		if strings.HasPrefix(asked, path) {
			n++
		}
	}
	return n
}

func (a *archive) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func respond(status int, body any, header http.Header) *http.Response {
	data, _ := json.Marshal(body)
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(data)))}
	for name, values := range header {
		resp.Header[name] = values
	}
	resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	return resp
}

func (a *archive) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	path := strings.TrimPrefix(req.URL.Path, "/app/hook")
	a.asked = append(a.asked, path)
	if a.fail != nil {
		if resp := a.fail(path); resp != nil {
			return resp, nil
		}
	}
	switch path {
	case "/config":
		return respond(200, map[string]string{"url": a.hook}, a.header), nil
	case "/deliveries":
		return a.list(req.URL.Query()), nil
	}
	id, _ := strconv.ParseInt(strings.TrimPrefix(path, "/deliveries/"), 10, 64)
	for _, d := range a.entries {
		if d.ID == id {
			return respond(200, map[string]any{
				"guid": d.GUID, "event": d.Event, "request": map[string]any{"payload": json.RawMessage(a.payload(d))},
			}, a.header), nil
		}
	}
	return respond(404, map[string]string{"message": "Not Found"}, a.header), nil
}

func (a *archive) payload(d delivery) string {
	if d.Event == "check_run" {
		click, _ := os.ReadFile("testdata/check_run.rerequested.json")
		return string(click)
	}
	return pushJSON
}

func (a *archive) list(query url.Values) *http.Response {
	size, _ := strconv.Atoi(query.Get("per_page"))
	from, _ := strconv.Atoi(query.Get("cursor"))
	page := slices.Clone(a.entries)
	slices.Reverse(page)
	page = page[min(from, len(page)):]
	header := a.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if len(page) > size {
		page = page[:size]
		header.Set("Link", fmt.Sprintf(`<https://elsewhere.example.com/?cursor=%d>; rel="next", <x>; rel="first"`, from+size))
	}
	return respond(200, page, header)
}
