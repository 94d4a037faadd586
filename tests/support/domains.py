"""The three domains of the documentation, as resource lines."""

CATALOGUE = (
    "product: name:str(1..100) description:str(..500)? price:decimal(10,2)>0 stock:int>=0=0 is_available:bool=true"
)
ORDERS = "order: user_id:uuid status:enum(pending|paid|shipped|cancelled)=pending total_amount:decimal(12,2)>=0"
SHOP = (
    "person/people: email:str(3..200)! nickname:str(..50)? born:date?; "
    "product: sku:str(1..40)! name:str(1..100) details:json? weight:float?>0; "
    "review: product:ref(product) person:ref(person)? stars:int>=1<=5 text:text? written:datetime?"
)
# Words that Python, SQL, the libraries, or the service's own code and tests have a meaning for.
AWKWARD = (
    "client/client_list: client:str(1..40)! offset:int limit:int=1 cursor:str? sort:enum(a|b)=a unknown:str? "
    "no_such_field:int? filters:int? self:int? cls:str? model:str? model_config:int? metadata:json? registry:date? "
    "from:datetime? select:bigint? user:bool? order:decimal(5,2)? uuid:uuid? dt:date? items:int? next:str? body:text? "
    "changes:str? created:bool? data:json? total_gte:int? page_limit:int? l:float? status:str(1001..1200); "
    "tup/tuple: parent:ref(tup)? name:str request:ref(client); class: import:int! client:ref(client)?"
)
DOMAINS = {"catalogue": CATALOGUE, "orders": ORDERS, "shop": SHOP, "awkward": AWKWARD}
