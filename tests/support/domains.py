"""The three domains of the documentation, as resource lines, and one whose types are at their extremes."""

CATALOGUE = (
    "product: name:str(1..100) description:str(..500)? price:decimal(10,2)>0 stock:int>=0=0 is_available:bool=true"
)
ORDERS = "order: user_id:uuid status:enum(pending|paid|shipped|cancelled)=pending total_amount:decimal(12,2)>=0"
SHOP = (
    "person/people: email:str(3..200)! nickname:str(..50)? born:date?; "
    "product: sku:str(1..40)! name:str(1..100) details:json? weight:float?>0; "
    "review: product:ref(product, cascade) person:ref(person, null)? stars:int>=1<=5 text:text? written:datetime? "
    "unique(product, person) index(stars, written)"
)
# Words that Python, SQL, the libraries, or the service's own code and tests have a meaning for.
AWKWARD = (
    "client/client_list: client:str(1..40)! offset:int limit:int=1 cursor:str? sort:enum(a|b)=a unknown:str? "
    "no_such_field:int? filters:int? self:int? cls:str? model:str? model_config:int? metadata:json? registry:date? "
    "from:datetime? select:bigint? user:bool? order:decimal(5,2)? uuid:uuid? dt:date? items:int? next:str? body:text? "
    "changes:str? created:bool? data:json? total_gte:int? page_limit:int? l:float? status:str(1001..1200); "
    "tup/tuple: parent:ref(tup, cascade)? name:str request:ref(client, restrict) unique(parent, name); "
    "class: import:int! client:ref(client, null)? select:ref(tup, cascade)? user:int unique:bool index:enum(a|b)=a "
    "unique(client, unique, index) index(unique, index) unique(select, user); "
    "thing: n:int row:int>=0<=23 next:enum(a|b|c|d|e) unique(row, next)"
)
EXTREMES = (
    "extreme: huge:decimal(38,0)! tiny:decimal(38,38)? money:decimal(20,2)=999999999999999999.99 "
    "beyond:decimal(38,0)>=99999999999999999999<=99999999999999999999999999999999999999 "
    "whole:int>=-2147483648<=2147483647=-2147483648 large:bigint! most:bigint=9223372036854775807 real:float? "
    "day:date! last:date=9999-12-31 first:date=0001-01-01 moment:datetime! end:datetime=9999-12-31T23:59:59.999999Z "
    "letter:str(1..1) long:str(..10000)? prose:text? one:enum(x|y) document:json? key:uuid! flag:bool=true"
)
# Rows that belong to their caller, and refer to each other, to themselves and to rows that everyone sees.
OWNED = (
    "customer: name:str(1..100) email:str(3..200)!; "
    "order: owner number:str(1..40)! customer:ref(customer) status:enum(open|paid|lost)=open total:decimal(12,2)>=0 "
    "parent:ref(order, null)? unique(customer, total) index(status, total); "
    "item/line_items: owner order:ref(order, cascade) product:str(1..100) quantity:int>0=1 note:text? "
    "unique(order, product)"
)
DOMAINS = {"catalogue": CATALOGUE, "orders": ORDERS, "shop": SHOP, "awkward": AWKWARD}
