package sip

// kind numbers the header fields that this package or a routing element looks
// at by name. Fields of kind other are told apart by their text.
type kind uint8

const (
	other kind = iota
	kVia
	kFrom
	kTo
	kCallID
	kCSeq
	kMaxForwards
	kContentLength
	kContentType
	kContact
	kRoute
	kRecordRoute
	kPath
	kServiceRoute
	kExpires
	kEvent
	kReferTo
	kReferredBy
	kReplaces
	kRAck
	kRSeq
	kRequire
	kProxyRequire
	kSupported
	kAllow
	kAllowEvents
	kAuthorization
	kProxyAuthorization
	kWWWAuthenticate
	kProxyAuthenticate
	kAuthenticationInfo
	kUserAgent
	kServer
	kSubscriptionState
	kSessionExpires
	kTimestamp
	kDate
	kSubject
	kContentEncoding
	kOrganization
	kRetryAfter
	kAcceptContact
	kRejectContact
	kRequestDisposition
	kIdentity
	kIdentityInfo
	kAccept
	kReason
	kWarning
	kPAssertedIdentity
	kinds // how many; they must fit a 64-bit set
)

// The fields of which a message may have one at most. Duplicates of these are
// read differently by different elements, which is how requests are smuggled.
const (
	singleAlways = 1<<kFrom | 1<<kTo | 1<<kCallID | 1<<kCSeq | 1<<kMaxForwards |
		1<<kContentLength | 1<<kContentType
	singleRequest = singleAlways | 1<<kExpires | 1<<kEvent | 1<<kReferTo |
		1<<kReferredBy | 1<<kReplaces | 1<<kRAck | 1<<kSubscriptionState |
		1<<kSessionExpires
)

// The fields in whose value a comma does not separate list elements.
const unlisted = singleRequest&^(1<<kContact) | 1<<kRSeq | 1<<kAuthorization |
	1<<kProxyAuthorization | 1<<kWWWAuthenticate | 1<<kProxyAuthenticate |
	1<<kAuthenticationInfo | 1<<kUserAgent | 1<<kServer | 1<<kTimestamp |
	1<<kDate | 1<<kSubject | 1<<kOrganization | 1<<kRetryAfter | 1<<kIdentity

// The fields that name people, in whose quoted strings a control character may
// stand if it is escaped (RFC 4475 3.1.1.2).
const mayQuote = 1<<kFrom | 1<<kTo | 1<<kContact | 1<<kPAssertedIdentity

// kindOf knows a field by its full or compact name, in any case.
func kindOf(s string) kind {
	switch s { // as nearly everyone writes the most frequent ones
	case "Via":
		return kVia
	case "From":
		return kFrom
	case "To":
		return kTo
	case "Call-ID":
		return kCallID
	case "CSeq":
		return kCSeq
	case "Contact":
		return kContact
	case "Route":
		return kRoute
	case "Record-Route":
		return kRecordRoute
	case "Max-Forwards":
		return kMaxForwards
	case "Content-Length":
		return kContentLength
	case "Content-Type":
		return kContentType
	case "Expires":
		return kExpires
	case "Allow":
		return kAllow
	case "Supported":
		return kSupported
	case "User-Agent":
		return kUserAgent
	case "Authorization":
		return kAuthorization
	case "Date":
		return kDate
	}
	switch len(s) {
	case 0:
		return other
	case 1:
		return compact(s[0] | 0x20)
	}
	if k := guess(s); k != other && same(k.String(), s) {
		return k
	}
	return other
}

// compact lists the one-letter names of RFC 3261 and its extensions.
func compact(c byte) kind {
	switch c {
	case 'a':
		return kAcceptContact
	case 'b':
		return kReferredBy
	case 'c':
		return kContentType
	case 'd':
		return kRequestDisposition
	case 'e':
		return kContentEncoding
	case 'f':
		return kFrom
	case 'i':
		return kCallID
	case 'j':
		return kRejectContact
	case 'k':
		return kSupported
	case 'l':
		return kContentLength
	case 'm':
		return kContact
	case 'n':
		return kIdentityInfo
	case 'o':
		return kEvent
	case 'r':
		return kReferTo
	case 's':
		return kSubject
	case 't':
		return kTo
	case 'u':
		return kAllowEvents
	case 'v':
		return kVia
	case 'x':
		return kSessionExpires
	case 'y':
		return kIdentity
	}
	return other
}

// guess names the only known field that has this length and these letters at
// its ends; kindOf compares the whole name.
func guess(s string) kind {
	first, last := s[0]|0x20, s[len(s)-1]|0x20
	switch len(s) {
	case 2:
		return kTo
	case 3:
		return kVia
	case 4:
		switch first {
		case 'f':
			return kFrom
		case 'c':
			return kCSeq
		case 'p':
			return kPath
		case 'd':
			return kDate
		case 'r':
			if last == 'k' {
				return kRAck
			}
			return kRSeq
		}
	case 5:
		switch first {
		case 'r':
			return kRoute
		case 'a':
			return kAllow
		case 'e':
			return kEvent
		}
	case 6:
		switch first {
		case 'a':
			return kAccept
		case 's':
			return kServer
		case 'r':
			return kReason
		}
	case 7:
		switch first {
		case 'c':
			if last == 'd' {
				return kCallID
			}
			return kContact
		case 'e':
			return kExpires
		case 'r':
			return kRequire
		case 's':
			return kSubject
		case 'w':
			return kWarning
		}
	case 8:
		switch first {
		case 'r':
			if last == 'o' {
				return kReferTo
			}
			return kReplaces
		case 'i':
			return kIdentity
		}
	case 9:
		switch first {
		case 's':
			return kSupported
		case 't':
			return kTimestamp
		}
	case 10:
		return kUserAgent
	case 11:
		if last == 'r' {
			return kRetryAfter
		}
		return kReferredBy
	case 12:
		switch first {
		case 'm':
			return kMaxForwards
		case 'c':
			return kContentType
		case 'r':
			return kRecordRoute
		case 'a':
			return kAllowEvents
		case 'o':
			return kOrganization
		}
	case 13:
		switch first {
		case 'a':
			return kAuthorization
		case 's':
			return kServiceRoute
		case 'p':
			return kProxyRequire
		case 'i':
			return kIdentityInfo
		}
	case 14:
		switch first {
		case 'c':
			return kContentLength
		case 'a':
			return kAcceptContact
		case 'r':
			return kRejectContact
		}
	case 15:
		return kSessionExpires
	case 16:
		switch first {
		case 'c':
			return kContentEncoding
		case 'w':
			return kWWWAuthenticate
		}
	case 18:
		if first == 's' {
			return kSubscriptionState
		}
		return kProxyAuthenticate
	case 19:
		switch first {
		case 'p':
			if last == 'n' {
				return kProxyAuthorization
			}
			return kPAssertedIdentity
		case 'a':
			return kAuthenticationInfo
		case 'r':
			return kRequestDisposition
		}
	}
	return other
}
