"""The anthropic SDK, by its public API alone.

json_values  the door: whatever enters a run as JSON data, checked once
plain      its messages as plain JSON data, which the loop and the journal hold
requests   an order of the machine as a request, and the response as the SDK's own message
streams    a live stream that tells the machine what is read from it
tools      the caller's tools, and their definitions
calls      a call as the work to do, and the result that the API takes
restored   replies out of a journal, as the SDK's own messages again
failures   an exception as an event
"""
