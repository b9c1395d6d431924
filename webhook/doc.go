// Package webhook is where nudges come from.
//
// Three sources say the same thing, "look now": the signed endpoint (Server), the App's own delivery log for machines
// that GitHub cannot reach (DeliveryLog), and a channel of an SSE relay (Relay). Each hands an Event to a func and does
// nothing else. What an Event says is a hint: the endpoint and the relay know that GitHub signed it, but not when, and
// the name of the event and the delivery's GUID are not even signed. So whoever acts on events must bear replays.
//
// The endpoint takes both of GitHub's content types, JSON and a form with the JSON in it. Either is looked at only after
// its signature, which is over the bytes as they came.
package webhook
