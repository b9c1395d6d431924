package apptest

// Rerequest is what a click on Re-run does: the suite is expected to run again. It returns the event to deliver.
func (r *Repository) Rerequest(run CheckRun, by *Account) Event {
	r.requeue(run.Suite)
	e := r.checkEvent("check_run", "rerequested", run.ID, by)
	return e
}

// RerequestSuite is what a click on Re-run all checks does.
func (r *Repository) RerequestSuite(suite int64, by *Account) Event {
	r.requeue(suite)
	return r.SuiteEvent("rerequested", suite, by)
}

// RequestAction is what a click on a button of a check run does. GitHub remembers nothing of it.
func (r *Repository) RequestAction(run CheckRun, identifier string, by *Account) Event {
	e := r.checkEvent("check_run", "requested_action", run.ID, by)
	e.Payload["requested_action"] = fields{"identifier": identifier}
	return e
}

// SuiteEvent is what an App is told of a suite, such as requested after a push.
func (r *Repository) SuiteEvent(action string, suite int64, by *Account) Event {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	e := Event{Name: "check_suite", Action: action, Repository: r, Payload: fields{"sender": r.g.describeAccount(by)}}
	for _, s := range r.suites {
		if s.ID == suite {
			e.Payload["check_suite"] = r.g.describeSuite(r, s)
		}
	}
	return e
}

func (r *Repository) requeue(suite int64) {
	r.g.change(func() error {
		for _, s := range r.suites {
			if s.ID == suite {
				s.again = true
			}
		}
		return nil
	})
}

func (r *Repository) checkEvent(name, action string, id int64, by *Account) Event {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	run := r.check(id)
	described := r.g.describeCheck(r, run)
	for _, s := range r.suites {
		if s.ID == run.Suite {
			described["check_suite"] = r.g.describeSuite(r, s)
		}
	}
	return Event{Name: name, Action: action, Repository: r, Payload: fields{"check_run": described, "sender": r.g.describeAccount(by)}}
}
