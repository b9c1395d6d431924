package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// output answers with what a run printed: as text, as text that goes on until the
// run ends (?follow), or as events that do.
func (a *API) output(w http.ResponseWriter, r *http.Request) error {
	out, err := a.Output(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Content-Type-Options", "nosniff")
	s := stream{w: w, control: http.NewResponseController(w)}
	s.events = strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	if !s.events && !r.URL.Query().Has("follow") {
		defer func() { _ = out.Close() }()
		size, _, err := out.Size()
		if err != nil {
			return err
		}
		header.Set("Content-Type", "text/plain; charset=utf-8")
		http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(out, 0, size))
		return nil
	}
	offset, err := startOf(r)
	if err != nil {
		return errors.Join(err, out.Close())
	}
	header.Set("X-Accel-Buffering", "no")
	if header.Set("Content-Type", "text/plain; charset=utf-8"); s.events {
		header.Set("Content-Type", "text/event-stream")
	}
	t, leave := a.following.join(r.Context(), r.PathValue("run"), out)
	defer leave()
	s.follow(r.Context(), t, offset)
	return nil
}

// startOf is the byte from which a stream goes on.
func startOf(r *http.Request) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		return 0, nil
	}
	offset, err := strconv.ParseInt(text, 10, 64)
	if err != nil || offset < 0 {
		return 0, problem(http.StatusBadRequest, "Last-Event-ID: %q is no offset", text)
	}
	return offset, nil
}
