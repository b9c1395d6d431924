package poller

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func windows(t *testing.T, texts ...string) (all Windows) {
	t.Helper()
	for _, text := range texts {
		w, err := ParseWindow(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// TestWindowsOpen by the clocks of their zones, also on the days when these are put forward or back.
func TestWindowsOpen(t *testing.T) {
	for _, c := range []struct {
		window, now, opens string // at; "" for open
	}{
		{"Mon-Fri 08:00-17:00 Europe/Stockholm", "2026-11-27T16:00:00Z", "2026-11-30T07:00:00Z"}, // Friday at five
		{"Mon-Fri 08:00-17:00 Europe/Stockholm", "2026-11-27T15:59:59Z", ""},
		{"08:00-24:00 UTC", "2026-11-27T23:59:59Z", ""},
		{"Sat,Sun 00:00-24:00 UTC", "2026-11-27T23:59:59Z", "2026-11-28T00:00:00Z"},
		{"Fri 22:00-06:00 UTC", "2026-11-28T05:59:00Z", ""},
		{"Fri 22:00-06:00 UTC", "2026-11-28T06:00:00Z", "2026-12-04T22:00:00Z"},
		{"Fri-Mon 10:00-11:00 UTC", "2026-11-30T10:30:00Z", ""},
		// Stockholm, 29 March 2026: 02:00 is 03:00.
		{"08:00-17:00 Europe/Stockholm", "2026-03-28T16:00:00Z", "2026-03-29T06:00:00Z"},
		{"02:30-04:00 Europe/Stockholm", "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"},
		{"02:00-03:00 Europe/Stockholm", "2026-03-29T00:30:00Z", "2026-03-30T00:00:00Z"},
		// 25 October 2026: 03:00 is 02:00, and 02:30 comes twice.
		{"02:30-02:45 Europe/Stockholm", "2026-10-25T00:30:00Z", ""},
		{"02:30-02:45 Europe/Stockholm", "2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z"},
		{"08:00-17:00 Europe/Stockholm", "2026-10-24T15:00:00Z", "2026-10-25T07:00:00Z"},
		// Lord Howe puts its clocks by half an hour: 4 October 2026, 02:00 is 02:30; 5 April, 02:00 is 01:30.
		{"02:00-02:30 Australia/Lord_Howe", "2026-10-03T15:00:00Z", "2026-10-04T15:00:00Z"},
		{"02:15-03:00 Australia/Lord_Howe", "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z"},
		{"01:45-01:50 Australia/Lord_Howe", "2026-04-04T14:50:00Z", "2026-04-04T15:15:00Z"},
	} {
		all := windows(t, c.window)
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		opens := ""
		if !all.open(now) {
			at, _ := all.next(now)
			opens = at.UTC().Format(time.RFC3339)
		}
		if opens != c.opens {
			t.Errorf("%s at %s opens %q, want %q", c.window, c.now, opens, c.opens)
		}
	}
}

// TestWindowsOpenAsMinuteByMinute has each minute be tried, through a year with all changes of the clocks in it.
func TestWindowsOpenAsMinuteByMinute(t *testing.T) {
	for _, texts := range [][]string{
		{"02:30-02:45 Europe/Stockholm"},
		{"Sun 01:30-02:30 Europe/Stockholm", "Wed 12:00-13:00 UTC"},
		{"Sat,Sun 23:50-00:10 America/New_York"},
		{"Sun 02:00-02:30 Australia/Lord_Howe", "Sat 23:00-24:00 Pacific/Chatham"},
		{"Fri 22:00-06:00 Africa/Casablanca"},
		{"Mon 00:00-24:00 Asia/Kathmandu"},
	} {
		all := windows(t, texts...)
		begin := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
		var opens time.Time // the first minute, from which on it is open
		for at := begin; at.After(begin.AddDate(-1, 0, 0)); at = at.Add(-time.Minute) {
			if all.open(at) {
				opens = at
				continue
			}
			if opens.IsZero() || at.Minute()%7 != 0 && opens.Sub(at) > 3*time.Hour {
				continue // not each of half a million
			}
			if got, w := all.next(at.Add(30 * time.Second)); !got.Equal(opens) || !w.open(got) {
				t.Fatalf("%v at %s: %s of %s, want %s", texts, at, got, w, opens)
			}
		}
	}
}

// BenchmarkWindowsNext is what each head costs that waits for a window of the next week.
func BenchmarkWindowsNext(b *testing.B) {
	w, err := ParseWindow("Mon 08:00-08:01 Europe/Stockholm")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	for b.Loop() {
		Windows{w}.next(now)
	}
}

func TestWindowMistakes(t *testing.T) {
	for _, text := range []string{
		"", "08:00-17:00", "Mon-Fri 08:00-17:00", "Mo 08:00-17:00 UTC", "Mon-Foo 08:00-17:00 UTC", "08:00-08:00 UTC", "08:60-09:00 UTC", "24:00-01:00 UTC",
		"08:00-25:00 UTC", "08:00-17:00 Europe/Nowhere", "08:00-17:00 Local", "08:00-17:00 ../etc/passwd", "Mon  08:00-17:00 UTC",
	} {
		if w, err := ParseWindow(text); err == nil {
			t.Errorf("%q is %+v", text, w)
		}
	}
}

func FuzzWindow(f *testing.F) {
	f.Add("Mon-Fri 08:00-17:00 Europe/Stockholm", int64(1790000000))
	f.Fuzz(func(t *testing.T, text string, at int64) {
		w, err := ParseWindow(text)
		if err != nil {
			return
		}
		now := time.Unix(at%(1<<33), 0)
		if all := (Windows{w}); !all.open(now) {
			if next, _ := all.next(now); !next.After(now) {
				t.Errorf("%q opens at %s, which is not after %s", text, next, now)
			}
		}
	})
}

func TestRunsStartWithinWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is Saturday, 1 January 2000, 00:00 UTC
		r := newRemote("main a")
		works(r, 2*time.Hour)
		task := r.task("deploy", "main")
		task.Timeout = 3 * time.Hour
		task.Rules.Windows = windows(t, "Mon-Fri 08:00-17:00 UTC")
		b := newBench(t, task)
		b.start(t)
		want(t, "why", b.why(t), "opens Mon 08:00 UTC")
		elapse(55*time.Hour + 59*time.Minute)
		want(t, "started", len(b.told(Started)), 0)
		want(t, "told once", b.texts(Skipped), "opens Mon 08:00 UTC")
		elapse(2 * time.Minute)
		want(t, "started", len(b.told(Started)), 1)
		elapse(7 * time.Hour)
		r.push("main", "b")
		elapse(90 * time.Minute) // it started within, and ends when it ends
		r.push("main", "c")
		elapse(24*time.Hour - 9*time.Hour)
		want(t, "finished", b.told(Finished), []string{"finished main a success", "finished main b success"})

		want(t, "answer", b.ordered(t, Order{What: Again}), "runs again with the next poll, but opens Tue 08:00 UTC: --anyway does not wait for that")
		want(t, "answer", b.ordered(t, Order{What: Rollback}), "rolled back to aaaaaaa by anna, but opens Tue 08:00 UTC: --anyway does not wait for that")
		b.ordered(t, Order{What: Unpin})
		b.ordered(t, Order{What: Again})
		want(t, "why", strings.HasPrefix(b.why(t), "opens Tue 08:00"), true)
		b.ordered(t, Order{What: Again, Anyway: true})
		elapse(3 * time.Hour)
		want(t, "finished", len(b.told(Finished)), 3)
	})
}

// TestWindowClosesOverAWait for a slot: nothing starts after it.
func TestWindowClosesOverAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newRemote("main a"), newRemote("main a")
		works(first, time.Hour)
		task := second.task("deploy", "main")
		task.Rules.Windows = windows(t, "00:00-00:30 UTC")
		b := newBench(t, first.task("long", "main"))
		b.Parallel = 1
		b.start(t)
		b.Set([]Task{b.tasks[0], task})
		elapse(2 * time.Hour)
		_, runs := second.seen()
		want(t, "runs", len(runs), 0)
		elapse(23 * time.Hour)
		_, runs = second.seen()
		want(t, "runs", len(runs), 1)
	})
}
