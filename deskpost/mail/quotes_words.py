"""The words of attributions and of telephones' signatures, in many languages."""

from __future__ import annotations

import re
from typing import Final


def fold(text: str) -> str:
    """Return the text so that cases compare; the Turkish dotted capital as a plain i."""
    return text.casefold().replace("i\u0307", "i")


# "On", "am", "le": what stands before the date of an attribution.
OPENING: Final = re.compile(
    r"(?:on|am|an|le|el|en fecha|il|il giorno|in data|em|no dia|aos|a|à|op|den|på|d\.|dnia|w dniu|"
    r"w dn\.|dne|dňa|v|în|pe|la|στις|την|vào|vào lúc|ngày|pada|dana|на|в|у|quoting|de)\s"
    r"|[\u202a-\u202e\u200e\u200f]*(?:בתאריך|ב-|في|بتاريخ|يوم)\s?|[在于於]\s?",
    re.IGNORECASE,
)

_WORD_VERBS: Final = (
    "wrote|writes|has written|schrieb|schreibt|hat geschrieben|geschrieben|"
    "(?:a|à) [ée]crit|[ée]crivait|escribi[óo]|ha escrito|ha scritto|scrive|scriveva|escreveu|"
    "schreef|het volgende geschreven|heeft geschreven|skrev|skreiv|skriver|kirjoitti|"
    r"napisał(?:\(a\)|a)?|napisana przez|pisze|nadesłał(?:\(a\)|a)?|"
    r"napsal(?:\(a\)|a)?|píše|napísal(?:\(a\)|a)?|"
    r"написал(?:\(а\)|а)?|пишет|писал(?:\(а\)|а)?|написав(?:\(ла\))?|пише|писав|"
    "(?:şunu |şunları )?yazdı|(?:ezt )?írta|a scris|έγραψε|đã viết|написа|napisao|napisala|"
    r"je napisal(?:\(a\))?|kirjutas|rašė|rakstīja|va escriure|menulis|skribis"
)
_OTHER_VERBS: Final = (
    "写道|寫道|写到|撰写|书写|書きました|のメール|からのメール|作成|작성|썼습니다|쓴 글|"
    "쓰신 메시지|님이 보낸|כתב|כתבה|מאת|كتب|تمت كتابة|เขียนว่า"
)
VERB: Final = re.compile(rf"(?<!\w)(?:{_WORD_VERBS})(?!\w)|{_OTHER_VERBS}", re.IGNORECASE)
# Without a colon, only these end an attribution.
BARE_ENDINGS: Final = (
    "wrote",
    "a écrit",
    "ha scritto",
    "escribió",
    "escreveu",
    "schrieb",
    "skrev",
    "schreef",
    "napisał(a)",
    "napsal(a)",
    "書きました",
    "写道",
    "寫道",
    "작성",
    "написал",
    "написала",
)
# "Quoting Ann <ann@a.example>:"
QUOTING: Final = re.compile(
    r"(?:quoting|zitat von|citando(?: a)?|citazione(?: di)?|citation de|cytowanie|citace)\s",
    re.IGNORECASE,
)

# "Sent from my phone": how such a line begins or ends. Most are said of other things as well,
# so that a device or "my" has to be in it.
DEVICE_SURE: Final = (
    "sent from ",
    "sent via ",
    "sent with ",
    "sent using ",
    "get outlook for ",
    "get bluemail for ",
)
DEVICE_BEGINS: Final = tuple(
    fold(word)
    for word in [
        "gesendet von ",
        "gesendet mit ",
        "gesendet über ",
        "diese nachricht wurde von ",
        "von meinem ",
        "von meiner ",
        "outlook für ",
        "envoyé de ",
        "envoyé depuis ",
        "envoyé à partir ",
        "envoyé avec ",
        "envoyé par ",
        "télécharger outlook ",
        "obtenez outlook ",
        "enviado desde ",
        "enviado do ",
        "enviado de ",
        "enviado a partir ",
        "enviado con ",
        "enviado pelo ",
        "enviado via ",
        "obtener outlook ",
        "obter o outlook ",
        "obter outlook ",
        "inviato da ",
        "inviato dal ",
        "inviato dall",
        "inviato con ",
        "inviato tramite ",
        "scarica outlook ",
        "ottieni outlook ",
        "verzonden vanaf ",
        "verzonden met ",
        "verstuurd vanaf ",
        "verstuurd met ",
        "outlook voor ",
        "download outlook ",
        "skickat från ",
        "skickad från ",
        "skickat med ",
        "hämta outlook ",
        "sendt fra ",
        "sendt med ",
        "sendt via ",
        "hent outlook ",
        "lähetetty ",
        "hanki outlook ",
        "wysłane z ",
        "wysłano z ",
        "pobierz ",
        "odesláno z ",
        "odesláno ze ",
        "odoslané z ",
        "získat outlook ",
        "отправлено с ",
        "отправлено из ",
        "отправлено со ",
        "скачать outlook ",
        "надіслано з ",
        "надіслано із ",
        "надіслано від ",
        "завантажити outlook ",
        "az iphone",
        "trimis de pe ",
        "trimis din ",
        "trimis de la ",
        "εστάλη από ",
        "στάλθηκε από ",
        "đã gửi từ ",
        "được gửi từ ",
        "נשלח מ",
        "أُرسلت من ",
        "أرسلت من ",
        "تم الإرسال من ",
        "مرسل من ",
        "发自",
        "發自",
        "从我的",
        "從我的",
        "來自我的",
        "나의 ",
        "获取 outlook ",
        "下載 outlook ",
        "取得 outlook ",
        "dikirim dari ",
    ]
)
DEVICE_ENDS: Final = tuple(
    fold(word)
    for word in [
        "から送信",
        "から送信されました",
        "で送信",
        "より送信",
        "을 통해 보냄",
        "에서 보냄",
        "gesendet",
        "gönderildi",
        "küldve",
        "を入手",
        "다운로드",
        "傳送",
        "送出",
        "发送",
        "發送",
        "beschaffen",
        "herunterladen",
    ]
)
DEVICE: Final = re.compile(
    "i(?:phon|pad|pod|os)|android|galaxy|samsung|blackberry|huawei|xiaomi|outlook|mobil|handy|"
    "phone|nokia|xperia|pixel|yahoo|gmail|proton|mail|windows|スマートフォン|携帯|メール|"
    r"\b(?:mein\w*|mon|ma|mi|meu|minha|mio|mia|mijn|min|mit|mitt|moj\w*|mého|моего|мого|meu|mea|"
    r"μου|tôi)\b|我的|나의|שלי",
    re.IGNORECASE,
)

MARKERS: Final = (
    "Reply above this line",
    "Please reply above this line",
    "この行より上に返信してください",
    "この行より上に返信を記入してください",
)
