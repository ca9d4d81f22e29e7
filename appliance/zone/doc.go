// Package zone says who else there is to send requests to, and which of them
// are asked for an alias, in which order.
//
// PlanFrom turns a snapshot into a Plan; everything else is a pure function of
// it. Roles ask Next for the hops of a request, and Explain why; nothing here
// knows whether a zone answers. A Resolver asks the name service whom DNS and
// ENUM zones mean, off the hot path, with bounds and a cache.
package zone
