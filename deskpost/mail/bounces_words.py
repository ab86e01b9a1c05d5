"""The words with which mail systems announce a bounce or a delay, in many languages."""

from __future__ import annotations

import re


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# A subject that is about a delivery.
SUBJECT = _words(
    r"deliver(?:y|ed|able|ing)?\b|undeliver|non-?delivery|not delivered|returned (?:e-?)?mail",
    r"return(?:ed|ing) (?:message |mail )?to sender|failure notice|mail (?:system )?(?:error|fail)",
    r"mail failed|message (?:error|failed|rejected)|\bbounced?\b|user unknown|failed mail",
    r"processing error|delayed mail|has not (?:yet )?been|could not (?:be )?(?:deliver|sen[dt])",
    r"error sending|sending your mail|message you sent|\bwarning(?:\b|--)|blocked by|postmaster",
    r"errors from|transcript|zustell|non ?remis|non remise|échec de|no se pudo entregar",
    r"no entregad|mancat[ao]|impossibile recapitare|onbestelbaar|falha na entrega|não entreg",
    r"не доставлен|недостав|退信|投递失败|無法傳送|配信|配送|不達|届きません|送信(?:エラー|でき)",
    r"エラー(?:通知|メール)|メール(?:エラー|送信エラー)|返送|未送達",
)
# A subject that is about the delivery of mail and of nothing else.
MAIL_SUBJECT = _words(
    r"undeliver(?:able|ed)(?::| (?:e-?)?mail| message|$)|(?:return(?:ed|ing)|bounced) (?:e-?)?mail",
    r"(?:non-?|message |mail )delivery\b|delivery status|mail (?:system )?error|failure notice",
    r"return(?:ed|ing) (?:message )?to sender|mail (?:fail|could not be)|failed mail",
    r"メール.{0,6}(?:エラー|配信|不達)|エラーメール|配信(?:不能|できません|エラー)|退信",
)
# What announces in so many words that a message did not arrive, or not yet.
ANNOUNCED = _words(
    r"(?:could|can|was|were|has|have|did|is|been)(?: ?not|n't|n’t)(?: yet| be| able| been| a)*"
    r"\s+(?:to\s+)?(?:be\s+)?(?:yet\s+)?(?:deliver|reach|receive|sent\b|accept|send\b|process)",
    r"unable to (?:deliver|send|relay)|undeliverable|not been delivered|non-?delivery",
    r"deliver(?:y|ing)(?: of [^.\n]{0,60})? (?:to|ha[sd]|fail(?:ed|ure)|status|attempt|error)",
    r"delivery (?:delayed|subsystem)|delevery to the following|error delivering",
    r"permanent (?:fatal )?(?:delivery )?errors?|fatal errors|delivery errors|delivery problems",
    r"failed (?:recipients?|addresses)|failure reasons|address(?:es|\(es\))?\s{0,3}failed",
    r"transcript of session|errors? (?:message )?below|trouble delivering",
    r"no such user|user unknown|unknown user|mailbox (?:is )?full|invalid (?:user|final delivery)",
    r"(?:was|were|been) (?:rejected|returned|blocked|delayed|postponed)|is delayed|an error occurr",
    r"returned because|no longer valid|delivery failed|not match|failed to send|gave up",
    r"reject reason|error was detected|encountered|mail(?:box)? error|unsent message",
    r"nicht (?:zugestellt|zustellbar|ausgeliefert)|unzustellbar|zustellung",
    r"n['’]a (?:pas|pu)[^.\n]{0,20}(?:remis|livr|distribu|envoy)|n['’]ont pas pu|non remis|échec",
    r"no (?:se )?(?:pud|ha pod)[^.\n]{0,40}entreg|no pudo ser entregado|no (?:se )?ha entregado",
    r"n[ãa]o (?:p[ôo]de|foi|pode)[^.\n]{0,20}(?:entreg|enviad)|falha (?:na|ao) entreg",
    r"(?:non|impossibile)[^.\n]{0,20}(?:recapitat|consegnat|recapitare|consegnare)",
    r"niet (?:worden |kunnen )?(?:bezorgd|afgeleverd)|onbestelbaar|kan niet worden bezorgd",
    r"не (?:может быть|было|удалось)[^.\n]{0,20}достав|недоставлен",
    r"(?:未能|无法|不能|無法|失败|失敗)[^。\n]{0,10}(?:送达|投递|发送|傳送|投遞|送達)|退信|投递失败",
    r"(?:送信|配信|配送|配達|受信|お届け|届け)[^。\n]{0,12}(?:でき|失敗|されません|拒否)",
    r"送信に失敗|届きません|不達|見つかりません|エラーのため|返送",
)
# It is not lost yet: the server goes on trying.
DELAYED = _words(
    r"not yet been|has been delayed|is delayed|delayed for|will be retried|still being retried",
    r"will keep trying|continue to (?:try|attempt)|delivery attempts will continue",
    r"do not need to (?:re-?send|take)|not need to resend|warning (?:message )?only",
    r"only a temporary failure|has been postponed|just a warning|no action is required",
    r"\(delay(?:ed)?\)|^delayed mail|^delivery delayed|^warning:? (?:message|could not)",
    r"引き続き(?:配信|送信|配送)|再送を(?:試み|続け|行い)|wird weiterhin versucht|retardé",
)
# The line after which the original stands, when it is written in the text.
SEPARATOR = re.compile(
    r"below (?:this line )?is a copy|(?:here|this|below|following|included|enclosed|attached)"
    r"[^.]{0,20} (?:a )?copy of (?:the|your|part)|attachment is a copy"
    r"|original (?:message|mail|e-?mail)(?: (?:headers?|info\w*|details?|as received))*"
    r"\s*(?:follows|is as|below|in part|[-:.=]*\s*$)"
    r"|(?:unsent|returned) (?:mail|message)\b[^.]{0,20}(?:follows|below|[-|:=\s]*$)"
    r"|(?:message|mail) (?:text |headers? )?follows?\b|start of returned"
    r"|header of the (?:original|source)"
    r"|message reads \(in part\)|summary of the undelivered|mensaje original|message d'origine"
    r"|ursprüngliche nachricht|mensagem original|messaggio originale|bounced e-?mail:"
    r"|^\W{2,}(?:original|returned) (?:message|mail)|オリジナルメール|原信",
    re.IGNORECASE,
)
# A header as the first line of the original, where nothing separates it.
HEADER_START = re.compile(
    r">?(?:Received:\s{0,4}(?:from|by|\()|Return-Path:\s{0,4}<|DKIM-Signature:)", re.I
)
# What is no bounce whatever its words: an absent person's automatic answer.
OUT_OF_OFFICE = re.compile(
    r"\bout of (?:the )?office\b|\bauto(?:matic)?[ -]?(?:reply|response|responder)\b|\bautoreply\b"
    r"|\bon (?:vacation|holiday|leave)\b|\baway from (?:the|my) (?:office|desk)\b"
    r"|自動(?:返信|応答)|不在(?:通知|のお知らせ|です)|休暇(?:中|のお知らせ)"
    r"|\babwesen(?:d|heit)|automatische antwort|réponse automatique|absen(?:t|ce) du bureau"
    r"|respuesta automática|fuera de (?:la )?oficina|resposta automática|risposta automatica"
    r"|fuori (?:sede|ufficio)|automatisch antwoord|afwezig|autosvar|automatiskt svar|frånvaro"
    r"|automatisk svar|odpowiedź automatyczna|automatická odpověď|автоответ"
    r"|自动(?:回复|答复)|자동 ?응답",
    re.IGNORECASE,
)
