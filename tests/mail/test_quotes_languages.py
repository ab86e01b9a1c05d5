"""What mail programs write around a quote, in many languages."""

import pytest

from deskpost.mail.quotes import split

# Gmail's attribution; the header block of Outlook or Apple Mail; "Original Message"; and the
# line that a telephone adds.
LANGUAGES = {
    "en": (
        "On Mon, Jan 5, 2026 at 10:00 AM Desk <desk@desk.example> wrote:",
        "From: Desk\nSent: Monday, January 5, 2026 10:00\nTo: Ann\nSubject: Printer",
        "-----Original Message-----",
        "Sent from my iPhone",
    ),
    "ja": (
        "2026年1月5日(月) 10:00 デスク <desk@desk.example>:",
        "差出人: デスク\n送信日時: 2026年1月5日 10:00\n宛先: Ann\n件名: プリンター",
        "----- 元のメッセージ -----",
        "iPhoneから送信",
    ),
    "de": (
        "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Desk <desk@desk.example>:",
        "Von: Desk\nGesendet: Montag, 5. Januar 2026 10:00\nAn: Ann\nBetreff: Drucker",
        "-----Ursprüngliche Nachricht-----",
        "Von meinem iPhone gesendet",
    ),
    "fr": (
        "Le lun. 5 janv. 2026 à 10:00, Desk <desk@desk.example> a écrit :",
        "De : Desk\nEnvoyé : lundi 5 janvier 2026 10:00\nÀ : Ann\nObjet : Imprimante",
        "-----Message d'origine-----",
        "Envoyé de mon iPhone",
    ),
    "es": (
        "El lun, 5 ene 2026 a las 10:00, Desk (<desk@desk.example>) escribió:",
        "De: Desk\nEnviado el: lunes, 5 de enero de 2026 10:00\nPara: Ann\nAsunto: Impresora",
        "-----Mensaje original-----",
        "Enviado desde mi iPhone",
    ),
    "it": (
        "Il giorno lun 5 gen 2026 alle ore 10:00 Desk <desk@desk.example> ha scritto:",
        "Da: Desk\nInviato: lunedì 5 gennaio 2026 10:00\nA: Ann\nOggetto: Stampante",
        "-----Messaggio originale-----",
        "Inviato da iPhone",
    ),
    "pt": (
        "Desk <desk@desk.example> escreveu (segunda, 5/01/2026 à(s) 10:00):",
        "De: Desk\nEnviada em: 5 de janeiro de 2026 10:00\nPara: Ann\nAssunto: Impressora",
        "-----Mensagem original-----",
        "Enviado do meu iPhone",
    ),
    "pt-br": (
        "Em seg., 5 de jan. de 2026 às 10:00, Desk <desk@desk.example> escreveu:",
        "De: Desk\nEnviado: segunda-feira, 5 de janeiro de 2026\nPara: Ann\nAssunto: Impressora",
        "-------- Mensagem original --------",
        "Enviado do meu Galaxy",
    ),
    "nl": (
        "Op ma 5 jan 2026 om 10:00 schreef Desk <desk@desk.example>:",
        "Van: Desk\nVerzonden: maandag 5 januari 2026 10:00\nAan: Ann\nOnderwerp: Printer",
        "-----Oorspronkelijk bericht-----",
        "Verstuurd vanaf mijn iPhone",
    ),
    "sv": (
        "Den mån 5 jan. 2026 kl 10:00 skrev Desk <desk@desk.example>:",
        "Från: Desk\nSkickat: den 5 januari 2026 10:00\nTill: Ann\nÄmne: Skrivare",
        "-----Ursprungligt meddelande-----",
        "Skickat från min iPhone",
    ),
    "da": (
        "Den man. 5. jan. 2026 kl. 10.00 skrev Desk <desk@desk.example>:",
        "Fra: Desk\nSendt: 5. januar 2026 10:00\nTil: Ann\nEmne: Printer",
        "-----Oprindelig meddelelse-----",
        "Sendt fra min iPhone",
    ),
    "no": (
        "man. 5. jan. 2026 kl. 10:00 skrev Desk <desk@desk.example>:",
        "Fra: Desk\nSendt: mandag 5. januar 2026 10:00\nTil: Ann\nEmne: Skriver",
        "-----Opprinnelig melding-----",
        "Sendt fra min iPad",
    ),
    "fi": (
        "ma 5. tammik. 2026 klo 10.00 Desk (<desk@desk.example>) kirjoitti:",
        "Lähettäjä: Desk\nLähetetty: maanantai 5. tammikuuta\nVastaanottaja: Ann\nAihe: Tulostin",
        "-----Alkuperäinen viesti-----",
        "Lähetetty iPhonesta",
    ),
    "pl": (
        "pon., 5 sty 2026 o 10:00 Desk <desk@desk.example> napisał(a):",
        "Od: Desk\nWysłano: poniedziałek, 5 stycznia 2026\nDo: Ann\nTemat: Drukarka",
        "-----Wiadomość oryginalna-----",
        "Wysłane z iPhone'a",
    ),
    "cs": (
        "po 5. 1. 2026 v 10:00 odesílatel Desk <desk@desk.example> napsal:",
        "Od: Desk\nOdesláno: pondělí 5. ledna 2026 10:00\nKomu: Ann\nPředmět: Tiskárna",
        "-----Původní zpráva-----",
        "Odesláno z iPhonu",
    ),
    "ru": (
        "пн, 5 янв. 2026 г. в 10:00, Desk <desk@desk.example>:",
        "От: Desk\nОтправлено: 5 января 2026 г. 10:00\nКому: Ann\nТема: Принтер",
        "-----Исходное сообщение-----",
        "Отправлено с iPhone",
    ),
    "uk": (
        "пн, 5 січ. 2026 р. о 10:00 Desk <desk@desk.example> пише:",
        "Від: Desk\nНадіслано: 5 січня 2026 р. 10:00\nКому: Ann\nТема: Принтер",
        "-----Вихідне повідомлення-----",
        "Надіслано з iPhone",
    ),
    "tr": (
        "Desk <desk@desk.example>, 5 Oca 2026 Pzt, 10:00 tarihinde şunu yazdı:",
        "Kimden: Desk\nGönderildi: 5 Ocak 2026 Pazartesi\nKime: Ann\nKonu: Yazıcı",
        "-----Orijinal İleti-----",
        "iPhone'umdan gönderildi",
    ),
    "hu": (
        "Desk <desk@desk.example> ezt írta (időpont: 2026. jan. 5., H, 10:00):",
        "Feladó: Desk\nElküldve: 2026. január 5. 10:00\nCímzett: Ann\nTárgy: Nyomtató",
        "-----Eredeti üzenet-----",
        "Az iPhone-omról küldve",
    ),
    "ro": (
        "În lun., 5 ian. 2026 la 10:00, Desk <desk@desk.example> a scris:",
        "De la: Desk\nTrimis: luni, 5 ianuarie 2026\nCătre: Ann\nSubiect: Imprimantă",
        "-----Mesaj original-----",
        "Trimis de pe iPhone-ul meu",
    ),
    "ko": (
        "2026년 1월 5일 (월) 오전 10:00, Desk <desk@desk.example>님이 작성:",
        "보낸 사람: Desk\n보낸 날짜: 2026년 1월 5일\n받는 사람: Ann\n제목: 프린터",
        "-----원본 메시지-----",
        "나의 iPhone에서 보냄",
    ),
    "zh-hans": (
        "Desk <desk@desk.example> 于2026年1月5日周一 10:00写道：",
        "发件人: Desk\n发送时间: 2026年1月5日 10:00\n收件人: Ann\n主题: 打印机",
        "------------------ 原始邮件 ------------------",
        "发自我的iPhone",
    ),
    "zh-hant": (
        "Desk <desk@desk.example> 於 2026年1月5日 週一 上午10:00寫道：",
        "寄件者: Desk\n寄件日期: 2026年1月5日 10:00\n收件者: Ann\n主旨: 印表機",
        "-----原始郵件-----",
        "從我的 iPhone 傳送",
    ),
    "vi": (
        "Vào Th 2, 5 thg 1, 2026 vào lúc 10:00 Desk <desk@desk.example> đã viết:",
        "Từ: Desk\nĐã gửi: 5 Tháng Một 2026\nĐến: Ann\nChủ đề: Máy in",
        "-----Thư gốc-----",
        "Đã gửi từ iPhone của tôi",
    ),
    "el": (
        "Στις Δευ 5 Ιαν 2026 στις 10:00 π.μ., ο χρήστης Desk <desk@desk.example> έγραψε:",
        "Από: Desk\nΕστάλη: Δευτέρα, 5 Ιανουαρίου 2026\nΠρος: Ann\nΘέμα: Εκτυπωτής",
        "-----Αρχικό μήνυμα-----",
        "Εστάλη από το iPhone μου",
    ),
    "he": (
        "\u202bבתאריך יום ב׳, 5 בינו׳ 2026 ב-10:00 מאת \u202aDesk\u202c\u200f "
        "<\u202adesk@desk.example\u202c\u200f>:\u202c",
        "מאת: Desk\nנשלח: יום שני 5 ינואר 2026\nאל: Ann\nנושא: מדפסת",
        "-----הודעה מקורית-----",
        "נשלח מה-iPhone שלי",
    ),
    "ar": (
        "في الاثنين، 5 يناير 2026 في 10:00 ص تمت كتابة ما يلي بواسطة Desk <desk@desk.example>:",
        "من: Desk\nتم الإرسال: الاثنين 5 يناير 2026\nإلى: Ann\nالموضوع: طابعة",
        "-----الرسالة الأصلية-----",
        "أُرسلت من الـ iPhone",
    ),
}
TEXT = "It works.\n\nBye"
OLD = "old words\nand more"
QUOTED = "> old words\n> and more"

by_language = pytest.mark.parametrize("language", LANGUAGES)


@by_language
class TestLanguages:
    def test_attribution(self, language: str) -> None:
        attribution = LANGUAGES[language][0]
        for old in (OLD, QUOTED):
            found = split(f"{TEXT}\n\n{attribution}\n\n{old}\n")
            assert (found.new, found.rest) == (TEXT, f"{attribution}\n\n{old}")

    def test_attribution_that_is_wrapped(self, language: str) -> None:
        attribution = LANGUAGES[language][0]
        for place in (" <", "<", " desk@", " 10"):
            if place not in attribution:
                continue
            at = attribution.index(place) + (place == "<")
            wrapped = f"{attribution[:at].rstrip()}\n{attribution[at:].lstrip()}"
            found = split(f"{TEXT}\n\n{wrapped}\n\n{QUOTED}\n")
            assert (found.new, found.rest) == (TEXT, f"{wrapped}\n\n{QUOTED}")

    def test_attribution_within_the_quote(self, language: str) -> None:
        found = split(f"{TEXT}\n\n> {LANGUAGES[language][0]}\n>\n{QUOTED}\n")
        assert found.new == TEXT

    def test_an_answer_below_the_quote_is_new(self, language: str) -> None:
        attribution = LANGUAGES[language][0]
        found = split(f"{attribution}\n{QUOTED}\n\n{TEXT}\n-- \nAnn\n")
        assert (found.new, found.rest) == (TEXT, f"{attribution}\n{QUOTED}\n\n-- \nAnn")

    def test_answers_between_quoted_lines_are_kept(self, language: str) -> None:
        text = f"{LANGUAGES[language][0]}\n> one?\nyes\n> two?\nno"
        assert split(text).new == text

    def test_header_block(self, language: str) -> None:
        block = LANGUAGES[language][1]
        bold = "\n".join(f"*{line.replace(':', ':*', 1)}" for line in block.split("\n"))
        for headers in (block, bold, f"{'_' * 32}\n{block}", f"{'-' * 30}\n\n{bold}"):
            found = split(f"{TEXT}\n\n{headers}\n\n{OLD}\n")
            assert (found.new, found.rest) == (TEXT, f"{headers}\n\n{OLD}")

    def test_original_message(self, language: str) -> None:
        line = LANGUAGES[language][2]
        assert split(f"{TEXT}\n\n{line}\n\n{OLD}").new == TEXT
        assert split(f"{TEXT}\n{line}\n{LANGUAGES[language][1]}\n\n{OLD}").new == TEXT

    def test_device(self, language: str) -> None:
        line = LANGUAGES[language][3]
        assert split(f"{TEXT}\n\n{line}\n").new == TEXT
        assert split(f"{TEXT}\n\n{line}\n\n{LANGUAGES[language][0]}\n{QUOTED}").new == TEXT
        assert split(f"{TEXT}\n\n{line}\n\n{OLD}").new == TEXT

    def test_one_of_many_headers_is_text(self, language: str) -> None:
        for line in LANGUAGES[language][1].split("\n"):
            text = f"{TEXT}\n\n{line}\n\nand so on"
            assert split(text).new == text


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "-------- Forwarded Message --------",
        "----- Forwarded by Desk/Example on 05.01.2026 10:00 -----",
        "Begin forwarded message:",
        "---------- 転送メッセージ ---------",
        "転送されたメッセージ:",
        "-------- Weitergeleitete Nachricht --------",
        "Anfang der weitergeleiteten Nachricht:",
        "---------- Message transféré ---------",
        "Début du message réexpédié :",
        "---------- Mensaje reenviado ---------",
        "Inizio messaggio inoltrato:",
        "---------- Mensagem encaminhada ---------",
        "---------- Doorgestuurd bericht ---------",
        "---------- Vidarebefordrat meddelande ---------",
        "---------- Videresendt meddelelse ---------",
        "---------- Przekazana wiadomość ---------",
        "---------- Přeposlaná zpráva ---------",
        "---------- Пересылаемое сообщение ---------",
        "---------- Yönlendirilen ileti ---------",
        "---------- 전달된 메일 ---------",
        "---------- 转发的邮件 ---------",
    ],
)
def test_what_is_passed_on_is_text(line: str) -> None:
    block = "From: Carl <carl@carl.example>\nDate: 5 Jan 2026\nSubject: Broken\nTo: Desk"
    text = f"Please see.\n-- \nAnn\n\n{line}\n{block}\n\nIt is broken.\n-- \nCarl"
    assert split(text).new == text
