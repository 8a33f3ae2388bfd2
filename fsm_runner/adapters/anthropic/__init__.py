"""The anthropic SDK, by its public API alone.

plain      its objects as plain JSON data, which the core and the journal hold
requests   an order of the machine as a request, and the response as the SDK's own message
streams    a live stream that tells the machine what is read from it
tools      the caller's tools: their definitions, and a call as the result that the API takes
failures   an exception as an event
"""
