"""What is said to whoever signs in, signs up or repeats a request, and is refused."""

from collections.abc import Mapping

from typing_extensions import override

from market.errors import MarketError


class UnauthenticatedError(MarketError):
    """No credential, or none that we know."""

    status = 401
    en = "Sign in: the request carries no valid token."
    zh = "请先登录:请求未携带有效令牌。"


class TokenExpiredError(MarketError):
    """The credential was good once."""

    status = 401
    en = "The token expired or was revoked; sign in again."
    zh = "令牌已过期或已被撤销,请重新登录。"


class LoginFailedError(MarketError):
    """The same answer for an unknown login and a wrong password."""

    status = 401
    en = "The login or the password is wrong."
    zh = "用户名或密码错误。"


class TooManySignInsError(MarketError):
    """Signing in is tried too often, from one address, for one account or in all."""

    status = 429
    en = "Too many attempts to sign in; try again in {seconds} seconds."
    zh = "登录尝试过于频繁,请在 {seconds} 秒后重试。"

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        """Return when to come back (RFC 9110)."""
        return {"Retry-After": str(self.facts["seconds"])}


class NotAdmittedError(MarketError):
    """Nobody comes in by the doing of one: another admits who was added."""

    status = 403
    en = "Another member has yet to admit you."
    zh = "您的账户尚待另一人核准。"


class AlreadyAdmittedError(MarketError):
    """A member is admitted once, until its role changes."""

    status = 409
    en = "This member is admitted already."
    zh = "该成员已核准。"


class PasswordNotOwnError(MarketError):
    """Whoever added a member knows its first password, which therefore opens nothing."""

    status = 403
    en = "First set a password of your own: PUT /v1/me/password."
    zh = "请先设置本人密码:PUT /v1/me/password。"


class WrongPasswordError(MarketError):
    """A token alone does not change the password."""

    en = "The old password is wrong."
    zh = "原密码错误。"


class WrongAdmissionCodeError(MarketError):
    """Who added a member knows its first password, but not the code that came of another's admitting it."""

    en = "The admission code is wrong or missing: whoever admitted you has it, not who registered you."
    zh = "核准码错误或缺失:核准码由核准您账户的人告知本人,登记人并不知晓。"


class SamePasswordError(MarketError):
    """A new password is one that nobody else was told."""

    en = "The new password is the old one."
    zh = "新密码不得与原密码相同。"


class LoginTakenError(MarketError):
    """Logins are unique in the whole market."""

    status = 409
    en = "This login is taken."
    zh = "该用户名已被使用。"


class CreditCodeError(MarketError):
    """GB 32100: 18 characters with a check character."""

    en = "{code} is not a valid unified social credit code (GB 32100)."
    zh = "统一社会信用代码({code})不符合 GB 32100 校验规则。"


class CreditCodeTakenError(MarketError):
    """One credit code, one organisation."""

    status = 409
    en = "An organisation with this unified social credit code is already registered."
    zh = "该统一社会信用代码已登记。"


class OrganisationNameTakenError(MarketError):
    """One name, one organisation."""

    status = 409
    en = "An organisation with this name is already registered."
    zh = "该单位名称已登记。"


class OrganisationNameKeptError(MarketError):
    """Two people said in whose name buyers' money is kept; one does not change it."""

    status = 409
    en = "A custody account is held in the name of this organisation; it stays."
    zh = "该单位名下有已核准的托管账户,名称不得变更。"


class IdempotencyKeyReusedError(MarketError):
    """Same key, other input."""

    status = 409
    en = "This Idempotency-Key was used with a different request."
    zh = "该 Idempotency-Key 已用于另一请求。"
