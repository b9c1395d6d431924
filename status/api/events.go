package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// events answers with what happens, from the place that the caller names.
func (a *API) events(w http.ResponseWriter, r *http.Request) error {
	if a.Feed == nil {
		return problem(http.StatusNotFound, "there are no events here")
	}
	s := eventStream(w)
	from, known := a.Feed.place(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since")))
	err := s.send([]byte(": what happens follows\n\n")) // at once, else some proxies never begin
	for sent := time.Now(); err == nil && r.Context().Err() == nil; pause(r.Context(), flushPause) {
		var text []byte
		if !known {
			from, known = a.Feed.place("")
			text = fmt.Appendf(nil, "id: %s\nevent: lost\ndata: {}\n\n", a.Feed.id(from))
		} else {
			var all []Event
			waiting, cancel := context.WithDeadline(r.Context(), sent.Add(heartbeat))
			all, from, known = a.Feed.since(waiting, from)
			cancel()
			text = a.told(r.Context(), all, from)
		}
		if len(text) == 0 && time.Since(sent) >= heartbeat {
			text = []byte(": still there\n\n")
		}
		if len(text) > 0 {
			err, sent = s.send(text), time.Now()
		}
	}
	return nil
}

// told is the messages of events that the caller may see. The last of them ends before the number next.
func (a *API) told(ctx context.Context, all []Event, next uint64) (text []byte) {
	for i, e := range all {
		if !sees(ctx, e.Task) {
			continue
		}
		data, err := json.Marshal(e)
		if err != nil {
			continue // strings and a time always can be
		}
		text = fmt.Appendf(text, "id: %s\ndata: %s\n\n", a.Feed.id(next-uint64(len(all)-1-i)), data)
	}
	return text
}

// eventStream begins an answer of server-sent events.
func eventStream(w http.ResponseWriter) stream {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Accel-Buffering", "no")
	return stream{w: w, control: http.NewResponseController(w), events: true}
}

// pause waits, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
