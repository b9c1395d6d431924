package poller

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones, also where a host has none
)

// Window is a time of the week within which runs start, by the clocks of its zone.
type Window struct {
	text     string
	days     [7]bool // from Sunday
	from, to int     // minutes of the day; where to is not later than from it is one of the next day
	zone     *time.Location
}

// Windows are the times within which runs start; none: always.
type Windows []Window

const day = 24 * 60 // minutes

// ParseWindow reads "Mon-Fri 08:00-17:00 Europe/Stockholm"; without days it is every day.
func ParseWindow(text string) (Window, error) {
	w := Window{text: text}
	parts := regexp.MustCompile(`^(?:([A-Za-z,-]+) )?(\d\d?):(\d\d)-(\d\d?):(\d\d) (\S+)$`).FindStringSubmatch(text)
	if parts == nil {
		return w, fmt.Errorf("%q is no window: write for instance Mon-Fri 08:00-17:00 Europe/Stockholm", text)
	}
	for _, part := range strings.Split(parts[1], ",") {
		if err := w.addDays(part); err != nil {
			return w, err
		}
	}
	var ok1, ok2 bool
	w.from, ok1 = minutes(parts[2], parts[3])
	w.to, ok2 = minutes(parts[4], parts[5])
	if !ok1 || !ok2 || w.from == day || w.from == w.to {
		return w, fmt.Errorf("%q: the times are from 00:00 to 24:00, and differ", text)
	}
	var err error
	if w.zone, err = time.LoadLocation(parts[6]); err != nil || parts[6] == "Local" {
		return w, fmt.Errorf("%q: no time zone %q: write its name, such as Europe/Stockholm or UTC", text, parts[6])
	}
	return w, nil
}

// addDays adds Mon, or Mon-Fri; "" is every day.
func (w *Window) addDays(part string) error {
	if part == "" {
		w.days = [7]bool{true, true, true, true, true, true, true}
		return nil
	}
	first, last, several := strings.Cut(part, "-")
	from, ok := weekday(first)
	to := from
	if several && ok {
		to, ok = weekday(last)
	}
	if !ok {
		return fmt.Errorf("%q: %q is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun", w.text, part)
	}
	for d := from; ; d = (d + 1) % 7 {
		w.days[d] = true
		if d == to {
			return nil
		}
	}
}

func weekday(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(name, d.String()[:3]) || strings.EqualFold(name, d.String()) {
			return d, true
		}
	}
	return 0, false
}

func minutes(hours, mins string) (int, bool) {
	h, _ := strconv.Atoi(hours) // digits
	m, _ := strconv.Atoi(mins)
	return 60*h + m, m < 60 && 60*h+m <= day
}

// String is the window as it was written.
func (w Window) String() string { return w.text }

// MarshalText is String.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.text), nil }

// open tells whether the clocks of the zone are within the window.
func (w Window) open(now time.Time) bool {
	local := now.In(w.zone)
	today, at := local.Weekday(), 60*local.Hour()+local.Minute()
	if w.from < w.to {
		return w.days[today] && at >= w.from && at < w.to
	}
	return w.days[today] && at >= w.from || w.days[(today+6)%7] && at < w.to
}

// open tells whether any is.
func (all Windows) open(now time.Time) bool {
	for _, w := range all {
		if w.open(now) {
			return true
		}
	}
	return len(all) == 0
}

// next is when a window opens that is closed now, and which: the first of those that open first.
func (all Windows) next(now time.Time) (time.Time, Window) {
	var first time.Time
	which := all[0]
	for _, w := range all {
		if at, opens := w.next(now); opens && (first.IsZero() || at.Before(first)) {
			first, which = at, w
		}
	}
	if first.IsZero() {
		return now.Add(time.Hour), which // no window is as rare as that
	}
	return first, which
}

// next is when the window is open after now, by whole minutes. Clocks that are put forward may leave a window out, and
// those that are put back may open it a second time, so that only what lies before the next such change is computed.
func (w Window) next(now time.Time) (at time.Time, opens bool) {
	at = now.Truncate(time.Minute).Add(time.Minute)
	for last := at.Add(15 * day * time.Minute); at.Before(last); {
		if w.open(at) {
			return at, true
		}
		opening := at.Add(time.Duration(w.until(at.In(w.zone))) * time.Minute)
		_, change := at.In(w.zone).ZoneBounds()
		if change.IsZero() || opening.Before(change) {
			return opening, opening.Before(last)
		}
		at = change
	}
	return at, false
}

// until is how many minutes the clocks go on from a time until they show the beginning of the window.
func (w Window) until(local time.Time) int {
	wait := w.from - 60*local.Hour() - local.Minute()
	for d := local.Weekday(); wait < 0 || !w.days[d]; d = (d + 1) % 7 {
		wait += day
	}
	return wait
}

// opensText says when it does, by the clocks of its zone.
func (all Windows) opensText(now time.Time) string {
	at, w := all.next(now)
	form := "Mon 15:04"
	if at.Sub(now) > 6*24*time.Hour {
		form = "Mon 2 Jan 15:04"
	}
	return "opens " + at.In(w.zone).Format(form) + " " + w.zone.String()
}

// close keeps what may only start within a window.
func (v *verdict) close(t Task, now time.Time) {
	if t.Rules.Windows.open(now) {
		return
	}
	todo := v.todo
	v.todo = nil
	for _, rev := range todo {
		if v.state.Refs[rev.Ref].anyway() {
			v.todo = append(v.todo, rev)
		} else {
			v.closed = append(v.closed, rev)
		}
	}
}

// anyway tells whether somebody has ordered to run a ref although it is paused or outside of its windows.
func (r RefState) anyway() bool {
	return r.Order != nil && r.Order.Anyway || r.Pinned != nil && r.Pinned.Anyway
}
