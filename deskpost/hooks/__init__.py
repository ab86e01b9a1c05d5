"""What every webhook of a provider needs, for mail that comes in and for news of mail sent.

Who may call is known before a body is read; its size is known before it is held; its signature is
checked before it is understood.
"""
