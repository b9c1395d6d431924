package runners

import "testing"

// FuzzParseMessage: whatever GitHub says, it is a message or an error, and its texts can be shown.
func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"messageId":4,"messageType":"RunnerScaleSetJobMessages","body":"[{\"messageType\":\"JobAssigned\",\"runnerRequestId\":7}]","statistics":{"totalAssignedJobs":1}}`))
	f.Add([]byte(`{"messageId":4,"messageType":"RunnerScaleSetJobMessages","body":"","statistics":null}`))
	f.Add([]byte(`{"messageType":"Other"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMessage(data)
		if (m == nil) == (err == nil) {
			t.Fatal(m, err)
		}
		if m == nil {
			return
		}
		for _, j := range m.Jobs {
			if plain(j.Title, 100) != j.Title && len([]rune(j.Title)) <= 100 {
				t.Errorf("%q", j.Title)
			}
		}
	})
}
