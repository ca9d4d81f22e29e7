package conform

func tortureTable() []Case {
	return []Case{
		// 3.1.1: well-formed messages.
		pass("4475 3.1.1.1", "wsinv", "folding, odd spacing, compact names, lists, a Via without cookie"),
		pass("4475 3.1.1.2", "intmeth", "every legal character in the method, Request-URI, addresses and Call-ID"),
		pass("4475 3.1.1.3", "esc01", "percent escapes in URIs"),
		pass("4475 3.1.1.4", "escnull", "escaped NULs in URIs"),
		pass("4475 3.1.1.5", "esc02", "percent signs where they escape nothing"),
		pass("4475 3.1.1.6", "lwsdisp", "no space between display name and bracket"),
		pass("4475 3.1.1.7", "longreq", "very long values, thirty-four Vias in every spelling"),
		pass("4475 3.1.1.8", "dblreq", "a second request behind the body of the first, in one datagram"),
		pass("4475 3.1.1.9", "semiuri", "semicolon in the user part"),
		pass("4475 3.1.1.10", "transports", "unknown and varied transports in Via"),
		pass("4475 3.1.1.11", "mpart01", "multipart body with binary"),
		pass("4475 3.1.1.12", "unreason", "reason phrase with UTF-8").then(Dropped),
		pass("4475 3.1.1.13", "noreason", "empty reason phrase").then(Dropped),

		// 3.1.2: broken messages.
		refuse("4475 3.1.2.1", "badinv01", 400, "Via", "empty parameters and list elements"),
		refuse("4475 3.1.2.2", "clerr", 400, "Content-Length", "length beyond the datagram"),
		refuse("4475 3.1.2.3", "ncl", 400, "Content-Length", "negative length"),
		refuse("4475 3.1.2.4", "scalar02", 400, "CSeq", "numbers beyond their range in a request"),
		refuse("4475 3.1.2.5", "scalarlg", 400, "CSeq", "numbers beyond their range in a response").then(Dropped),
		refuse("4475 3.1.2.6", "quotbal", 400, "To", "a quoted string that does not end"),
		refuse("4475 3.1.2.7", "ltgtruri", 400, "Request-URI", "brackets around the Request-URI"),
		refuse("4475 3.1.2.8", "lwsruri", 400, "Request-URI", "space in the Request-URI"),
		refuse("4475 3.1.2.9", "lwsstart", 400, "Request-URI", "several spaces in the request line"),
		refuse("4475 3.1.2.10", "trws", 400, "Request Line", "spaces behind the request line"),
		refuse("4475 3.1.2.11", "escruri", 400, "Request-URI", "headers in the Request-URI"),
		pass("4475 3.1.2.12", "baddate", "a Date that is not GMT: not a proxy's to judge"),
		pass("4475 3.1.2.13", "regbadct", "an unbracketed Contact with headers: for the registrar to refuse"),
		refuse("4475 3.1.2.14", "badaspec", 400, "To", "spaces inside the brackets"),
		refuse("4475 3.1.2.15", "baddn", 400, "From", "a comma in a bare display name"),
		refuse("4475 3.1.2.16", "badvers", 505, "Version", "another version of SIP"),
		refuse("4475 3.1.2.17", "mismatch01", 400, "CSeq", "method and CSeq differ"),
		refuse("4475 3.1.2.18", "mismatch02", 400, "CSeq", "unknown method and CSeq differ"),
		refuse("4475 3.1.2.19", "bigcode", 400, "Status", "a status code beyond its range").then(Dropped),

		// 3.2: transaction layer.
		pass("4475 3.2.1", "badbranch", "a branch that is the cookie and nothing more"),

		// 3.3: application layer.
		refuse("4475 3.3.1", "insuf", 400, "Missing", "no From, To and Call-ID"),
		refuse("4475 3.3.2", "unkscm", 416, "Scheme", "Request-URI of an unknown scheme"),
		refuse("4475 3.3.3", "novelsc", 416, "Scheme", "Request-URI of a known scheme that is not for SIP"),
		pass("4475 3.3.4", "unksm2", "unknown schemes in To, From and Contact"),
		pass("4475 3.3.5", "bext01", "Require and Proxy-Require of unknown options").then(420),
		pass("4475 3.3.6", "invut", "a body of unknown type"),
		pass("4475 3.3.7", "regaut01", "an unknown authorization scheme"),
		refuse("4475 3.3.8", "multi01", 400, "Duplicate", "several of what there must be one of"),
		refuse("4475 3.3.9", "mcl01", 400, "Content-Length", "two lengths"),
		pass("4475 3.3.10", "bcast", "a response whose next Via is the broadcast address").then(Dropped),
		pass("4475 3.3.11", "zeromf", "Max-Forwards is used up").then(483),
		pass("4475 3.3.12", "cparam01", "a parameter behind an unbracketed Contact"),
		pass("4475 3.3.13", "cparam02", "the same parameter inside the brackets"),
		pass("4475 3.3.14", "regescrt", "headers in a Contact's URI"),
		pass("4475 3.3.15", "sdp01", "an Accept that does not name the body's type"),

		// 3.4: RFC 2543.
		pass("4475 3.4.1", "inv2543", "no branch, From tag, Max-Forwards or Content-Length"),
	}
}

func ipv6Table() []Case {
	return []Case{
		pass("5118 4.1", "ipv6-good", "an IPv6 reference in the Request-URI"),
		refuse("5118 4.2", "ipv6-bad", 400, "Request-URI", "an IPv6 address without brackets"),
		pass("5118 4.3", "port-ambiguous", "a port inside the brackets is part of the address"),
		pass("5118 4.4", "port-unambiguous", "a port behind the brackets"),
		pass("5118 4.5", "via-received-param-with-delim", "received with brackets"),
		pass("5118 4.5", "via-received-param-no-delim", "received without brackets"),
		pass("5118 4.6", "ipv6-in-sdp", "IPv6 in the body"),
		pass("5118 4.7", "mult-ip-in-header", "both families in one stack of Vias"),
		pass("5118 4.8", "mult-ip-in-sdp", "both families in one body"),
		pass("5118 4.9", "ipv4-mapped-ipv6", "IPv4-mapped addresses"),
		pass("5118 4.10", "ipv6-bug-abnf-3-colons", "three colons, as the old grammar had it"),
		pass("5118 4.10", "ipv6-correct-abnf-2-colons", "two colons, as it should be"),
	}
}
