package metrics

// writeNotified tells how notifications fare. Targets are named as in the log, without secrets: those of one name count together.
func (m *Metrics) writeNotified(t *text) {
	if m.from.Notified == nil {
		return
	}
	all := byName(m.from.Notified())
	if len(all) == 0 {
		return
	}
	t.family(counter, "notifications_total", "Messages to who is notified, by result: sent, refused for good, failed tries that are repeated.")
	for _, n := range all {
		t.sample(float64(n.Sent), label{"to", n.To}, label{"result", "sent"})
		t.sample(float64(n.Refused), label{"to", n.To}, label{"result", "refused"})
		t.sample(float64(n.Failed), label{"to", n.To}, label{"result", "failed"})
	}
	t.family(gauge, "notification_last_success_timestamp_seconds", "When a message was last taken, in seconds since 1970.")
	for _, n := range all {
		if !n.Succeeded.IsZero() {
			t.sample(float64(n.Succeeded.UnixMilli())/1000, label{"to", n.To})
		}
	}
}

// byName sums up the targets of one name, such as several rooms of a service, which are one series.
func byName(all []Notified) []Notified {
	at := map[string]int{}
	var summed []Notified
	for _, n := range all {
		i, there := at[n.To]
		if !there {
			at[n.To] = len(summed)
			summed = append(summed, n)
			continue
		}
		s := &summed[i]
		s.Sent, s.Refused, s.Failed = s.Sent+n.Sent, s.Refused+n.Refused, s.Failed+n.Failed
		if n.Succeeded.After(s.Succeeded) {
			s.Succeeded = n.Succeeded
		}
	}
	return summed
}
