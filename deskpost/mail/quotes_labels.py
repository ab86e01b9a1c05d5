"""The headers and separators above what is quoted or passed on, in many languages.

All are folded; labels and "Original Message" are compared as wholes.
"""

from __future__ import annotations

import re
from typing import Final

from deskpost.mail.quotes_words import fold

FROM: Final = "from"
SENT: Final = "sent"
DATE: Final = "date"
TO: Final = "to"
SUBJECT: Final = "subject"
OTHER: Final = "other"


def _labels(kind: str, words: str) -> dict[str, str]:
    return {fold(word.strip()): kind for word in words.split("|")}


# A header's label as Outlook, Apple Mail, Thunderbird, Yahoo and others write it.
LABELS: Final[dict[str, str]] = (
    _labels(
        OTHER,
        "cc|bcc|kopie|copie|copie à|cópia|copia|cc a|dw|do wiadomości|kopia|kopi|kopio|копия|"
        "копія|bilgi|másolatot kap|másolat|참조|抄送|副本|đồng gửi|κοιν|κοινοποίηση|עותק|نسخة|"
        "kópia|ไปยัง|reply-to|reply to|responder a|répondre à|antwort an|antwoord aan|rispondi a|"
        "返信先|organization|organisation|importance|wichtigkeit|priority|sensitivity|attachments|"
        "anlagen|pièces jointes|adjuntos|anexos|allegati|bijlagen|添付ファイル|附件|第一個附件",
    )
    | _labels(
        FROM,
        "from|von|de|da|van|od|från|fra|lähettäjä|от|от кого|від|від кого|kimden|gönderen|feladó|"
        "de la|expéditeur|expeditor|remetente|remitente|mittente|absender|afzender|avsändare|"
        "afsender|avsender|nadawca|odesílatel|odosielateľ|отправитель|відправник|보낸 사람|"
        "보낸사람|발신|보낸이|发件人|寄件者|寄件人|發件人|从|từ|người gửi|από|αποστολέας|מאת|من|"
        "المرسل|差出人|送信者|送信元|message from|message de|dari|šalje|mesaj de la",
    )
    | _labels(
        SENT,
        "sent|gesendet|gesendet am|envoyé|envoyé le|envoyé à|enviado|enviado el|enviado em|"
        "enviada em|enviada el|enviada|inviato|inviato il|verzonden|verstuurd|wysłano|wysłane|"
        "data wysłania|skickat|skickad|sendt|lähetetty|odesláno|odoslané|отправлено|отправлено в|"
        "надіслано|gönderilme|gönderildi|gönderim|gönderme tarihi|küldve|elküldve|elküldött|"
        "trimis|보낸 날짜|보냄|发送时间|已发送|寄件日期|傳送時間|寄件時間|發送時間|送信日時|"
        "送信日|đã gửi|gửi|εστάλη|στάλθηκε|ημερομηνία αποστολής|נשלח|تم الإرسال|تاريخ الإرسال|"
        "أُرسل|sent at|message du",
    )
    | _labels(
        DATE,
        "date|datum|fecha|data|data/ora|dato|päivämäärä|päiväys|pvm|dátum|дата|tarih|dată|날짜|"
        "日期|时间|時間|日付|日時|ngày|ημερομηνία|תאריך|التاريخ|date et heure|tanggal",
    )
    | _labels(
        TO,
        "to|an|à|a|para|aan|do|till|til|vastaanottaja|komu|pro|кому|kime|alıcı|címzett|către|"
        "catre|destinataire|destinatario|destinatário|받는 사람|받는사람|수신|收件人|收件者|đến|"
        "tới|προς|אל|إلى|المستلم|宛先|kepada|na",
    )
    | _labels(
        SUBJECT,
        "subject|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|temat|ämne|emne|aihe|"
        "předmět|predmet|тема|konu|tárgy|subiect|제목|主题|主旨|主題|標題|件名|chủ đề|tiêu đề|"
        "θέμα|נושא|الموضوع|subyek|onderwerp",
    )
)

# Between dashes: the message below is the one that is answered.
ORIGINAL: Final = frozenset(
    fold(word)
    for word in [
        "original message",
        "original appointment",
        "original email",
        "original",
        "reply message",
        "ursprüngliche nachricht",
        "originalnachricht",
        "original-nachricht",
        "message d'origine",
        "message d’origine",
        "message original",
        "message d`origine",
        "mensaje original",
        "mensagem original",
        "messaggio originale",
        "messaggio original",
        "oorspronkelijk bericht",
        "origineel bericht",
        "originele bericht",
        "ursprungligt meddelande",
        "originalmeddelande",
        "oprindelig meddelelse",
        "original meddelelse",
        "opprinnelig melding",
        "original melding",
        "alkuperäinen viesti",
        "wiadomość oryginalna",
        "oryginalna wiadomość",
        "wiadomość pierwotna",
        "původní zpráva",
        "pôvodná správa",
        "исходное сообщение",
        "оригинальное сообщение",
        "первоначальное сообщение",
        "вихідне повідомлення",
        "оригінальне повідомлення",
        "orijinal ileti",
        "özgün ileti",
        "orijinal mesaj",
        "asıl mesaj",
        "eredeti üzenet",
        "mesaj original",
        "mesajul original",
        "mesajul inițial",
        "원본 메시지",
        "원본 메일",
        "original message 원본",
        "原始邮件",
        "原邮件",
        "原始郵件",
        "原始訊息",
        "原郵件",
        "原始信件",
        "thư gốc",
        "tin nhắn gốc",
        "thông điệp gốc",
        "αρχικό μήνυμα",
        "πρωτότυπο μήνυμα",
        "הודעה מקורית",
        "ההודעה המקורית",
        "الرسالة الأصلية",
        "رسالة أصلية",
        "元のメッセージ",
        "元のメール",
        "オリジナルメッセージ",
        "pesan asli",
    ]
)

# A line (between dashes, or that ends with a colon) begins so: what follows was passed on.
FORWARD: Final = tuple(
    fold(word)
    for word in [
        "forwarded message",
        "forwarded by",
        "forwarded email",
        "weitergeleitete nachricht",
        "weitergeleitet von",
        "message transféré",
        "message réexpédié",
        "transféré par",
        "mensaje reenviado",
        "reenviado por",
        "mensagem encaminhada",
        "mensagem reencaminhada",
        "encaminhado por",
        "messaggio inoltrato",
        "inoltrato da",
        "doorgestuurd bericht",
        "doorgestuurd door",
        "vidarebefordrat meddelande",
        "vidarebefordrat av",
        "videresendt meddelelse",
        "videresendt besked",
        "videresendt melding",
        "videresendt av",
        "edelleenlähetetty viesti",
        "välitetty viesti",
        "wiadomość przekazana",
        "przekazana wiadomość",
        "přeposlaná zpráva",
        "preposlaná správa",
        "forwardovaná zpráva",
        "пересылаемое сообщение",
        "пересланное сообщение",
        "пересланное письмо",
        "переслане повідомлення",
        "пересилане повідомлення",
        "yönlendirilen ileti",
        "iletilen mesaj",
        "iletilmiş mesaj",
        "továbbított üzenet",
        "továbbított levél",
        "mesaj redirecționat",
        "mesaj redirectionat",
        "전달된 메일",
        "전달된 메시지",
        "전달된 메세지",
        "转发的邮件",
        "已转发邮件",
        "转发邮件",
        "轉寄郵件",
        "已轉寄的郵件",
        "轉寄的郵件",
        "forwarded message 转发",
        "thư đã chuyển tiếp",
        "thư được chuyển tiếp",
        "tin nhắn đã chuyển tiếp",
        "προωθημένο μήνυμα",
        "προωθημενο μηνυμα",
        "הודעה שהועברה",
        "ההודעה שהועברה",
        "رسالة تمت إعادة توجيهها",
        "رسالة معاد توجيهها",
        "转发",
        "転送メッセージ",
        "転送されたメール",
        "転送されたメッセージ",
        "pesan terusan",
    ]
)
FORWARD_BEGINS: Final = tuple(
    fold(word)
    for word in [
        "begin forwarded message",
        "anfang der weitergeleiteten",
        "début du message réexpédié",
        "début du message transféré",
        "inicio del mensaje reenviado",
        "início da mensagem",
        "início da mensagem reencaminhada",
        "inizio messaggio inoltrato",
        "begin doorgestuurd bericht",
        "vidarebefordrat brev",
        "start på videresendt",
        "påbegynder videresendt",
        "videresendt besked",
        "välitetty viesti alkaa",
        "początek przekazywanej",
        "začátek přeposílané",
        "začiatok preposlanej",
        "начало переадресованного",
        "початок листа",
        "iletilen ileti başlangıcı",
        "iletilmiş mesajın",
        "továbbított levél kezdete",
        "început mesaj",
        "전달된 메시지 시작",
        "전달된 메시지",
        "下面是被转发的邮件",
        "以下是轉寄",
        "開始轉寄郵件",
        "bắt đầu thư được chuyển",
        "αρχή προωθημένου",
        "התחלת ההודעה",
        "بدء الرسالة",
        "転送されたメッセージ",
    ]
)
# What Outlook and others put before the subject of what they pass on ("VS" is left out: forward
# in Danish, reply in Finnish).
FORWARD_SUBJECT: Final = re.compile(
    r"\A(?:fwd?|wg|tr|rv|enc|i|doorst|vb|vl|pd|ilt|továbbítás|転送|转发|轉寄|전달)\s?[:：]",
    re.IGNORECASE,
)
