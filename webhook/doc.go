// Package webhook is where nudges come from.
//
// Three sources say the same thing, "look now": the signed endpoint (Server), the App's own delivery log for machines
// that GitHub cannot reach (DeliveryLog), and a channel of an SSE relay (Relay). Each hands an Event to a func and does
// nothing else. What an Event says is a hint: the endpoint and the relay know that GitHub signed it, but not when, and
// the name of the event and the delivery's GUID are not even signed. So whoever acts on events must bear replays.
//
// The endpoint takes JSON only. GitHub's other content type, a form, is answered like everything that is not JSON: one
// way to read a body is enough where strangers write it.
package webhook
