"""The anthropic SDK, by its public API alone.

json_values  the door: whatever enters a run becomes JSON data here, checked once
plain        the SDK's messages and errors as plain JSON data, which the loop and the journal hold
requests     an order of the machine as a request, and a response as the SDK's own message
streams      a live stream that tells the machine what is read from it
tool_box     the caller's tools, and their definitions
calls        a call as the work to do, and the result that the API takes
"""
