package lab

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/url"
	"regexp"
)

// writeActivation puts what phone or service say into a form.
func writeActivation(kind string, v any) (contentType string, body []byte) {
	plain, _ := json.Marshal(v) // texts only
	switch kind {
	case "xml":
		out, _ := xml.Marshal(v)
		return "application/xml", out
	case "form":
		var members map[string]string
		_ = json.Unmarshal(plain, &members)
		form := url.Values{}
		for name, value := range members {
			form.Set(name, value)
		}
		return "application/x-www-form-urlencoded", []byte(form.Encode())
	}
	return "application/json", plain
}

// readActivation reads it out again.
func readActivation(kind string, body []byte, v any) error {
	switch kind {
	case "xml":
		return xml.Unmarshal(body, v)
	case "form":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return err
		}
		members := map[string]string{}
		for name := range form {
			members[name] = form.Get(name)
		}
		body, _ = json.Marshal(members)
	}
	if len(body) == 0 {
		return errors.New("lab: activation: nothing is said")
	}
	return json.Unmarshal(body, v)
}

var headerMember = regexp.MustCompile(`(\w+)="([^"]*)"`)

// headerAnswer reads the service's first answer where it stands in a header.
func headerAnswer(value string) (a activationAnswer) {
	members := map[string]string{}
	for _, m := range headerMember.FindAllStringSubmatch(value, -1) {
		members[m[1]] = m[2]
	}
	return activationAnswer{Session: members["session"], Salt: members["salt"], B: members["B"]}
}
